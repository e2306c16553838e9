"""``python -m pytest_lossguard``: what can be done with written reports."""

from __future__ import annotations

import sys

from .command_line import main

sys.exit(main())
