"""Tests of what one system has and another lacks."""

from __future__ import annotations

import sys

import pytest

__all__ = ["posix"]

posix = pytest.mark.skipif(sys.platform == "win32", reason="devices, pipes and modes")
