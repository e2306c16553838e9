"""Checks that every model must pass, trained or not, for any task."""

from __future__ import annotations

from .check import check_model, check_of, subject_of
from .policy import DEFAULTS, ModelCheckPolicy
from .result import ModelCheckResult

__all__ = [
    "DEFAULTS",
    "ModelCheckPolicy",
    "ModelCheckResult",
    "check_model",
    "check_of",
    "subject_of",
]
