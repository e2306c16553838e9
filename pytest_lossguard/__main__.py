"""``python -m pytest_lossguard``: commands that work on existing reports."""

from __future__ import annotations

import sys

from .command_line import main

sys.exit(main())
