"""Explanations of findings, causes, contracts and model checks, collected from the
modules of their rules, for ``--lossguard-explain`` and for the reference.
"""

from __future__ import annotations

from .text import listed, text_of
from .topics import Role, Topic, topics, topics_of

__all__ = ["Role", "Topic", "listed", "text_of", "topics", "topics_of"]
