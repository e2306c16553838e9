"""The HTML report.

Workers call `details_of` for each training, and the controller calls `write_html` once.
`write_history` makes a page of many reports, `write_comparison` of two.
"""

from __future__ import annotations

from .comparison import write_comparison
from .details import details_of, details_of_entry, shown_first
from .history import write_history
from .page import write_html

__all__ = [
    "details_of",
    "details_of_entry",
    "shown_first",
    "write_comparison",
    "write_history",
    "write_html",
]
