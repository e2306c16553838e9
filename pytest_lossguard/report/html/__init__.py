"""The HTML report: `details_of` each training in the worker, `write_html` once;
`write_history` of many reports.
"""

from __future__ import annotations

from .details import details_of, details_of_entry, shown_first
from .history import write_history
from .page import write_html

__all__ = [
    "details_of",
    "details_of_entry",
    "shown_first",
    "write_history",
    "write_html",
]
