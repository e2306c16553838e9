"""Reported bugs, each as a broken and a fixed program."""

from __future__ import annotations

from .report import Report

__all__ = ["Report", "reports"]


def reports() -> tuple[Report, ...]:
    """Return all reports."""
    from . import (
        generative,
        lately,
        loops,
        pipelines,
        precision,
        rl,
        schedules,
        sequences,
    )

    topics = (loops, pipelines, generative, rl, sequences, precision, schedules, lately)
    return tuple(report for topic in topics for report in topic.REPORTS)
