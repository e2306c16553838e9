"""A pattern for British spelling, to be avoided in texts and in code."""

from __future__ import annotations

import re

BRITISH = re.compile(
    r"(?:initial|normal|optim|penal|recogn|regular|standard)is"
    r"|(?:general|serial)is(?:e|ing|ati)"
    r"|(?:behavi|col|fav|neighb)our|labelled|modelling"
    r"|\b(?:analyse|catalogue|centre|grey|judgement|metre|programme|whilst)",
    re.IGNORECASE,
)
