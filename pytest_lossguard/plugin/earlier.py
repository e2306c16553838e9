"""Results of marked tests in earlier sessions, kept in pytest's cache."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import pytest

from ..core.states import LEFT_OUT
from .collected import COLLECTED, Result
from .report_data import PAYLOAD

#: Key in pytest's cache, below ``.pytest_cache/v/``.
_KEY = "lossguard/tests"
#: Key of ``workerinput`` with these results: all pytest-xdist workers must order the
#: tests in the same way.
_INPUT = "lossguard_earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Results of a test in earlier sessions.

    Attributes:
        failed: Whether the test failed when it last ran.
        nearness: Share of a limit that its training then used, at most 1.
        seconds: Duration of the last run.
        left_out: Number of sessions since then that left the test out.
    """

    failed: bool = False
    nearness: float = 0.0
    seconds: float = 0.0
    left_out: int = 0

    @classmethod
    def from_json(cls, given: Any) -> Earlier | None:
        """Read the results from builtins; None if they are invalid."""
        try:
            made = cls(
                failed=given["failed"] is True,
                nearness=min(float(given["nearness"]), 1.0),
                seconds=float(given["seconds"]),
                left_out=int(given["left_out"]),
            )
        except (TypeError, KeyError, ValueError, OverflowError):
            return None
        numbers = made.nearness, made.seconds, made.left_out
        return made if all(math.isfinite(it) and it >= 0 for it in numbers) else None


class EarlierSessions:
    """Reads the results if tests are to be ordered, and adds those of this session.

    Args:
        config: The config of this process; in a worker it holds the results that the
            controller sent.
        is_asked: Whether this session orders its tests.
    """

    def __init__(self, config: pytest.Config, *, is_asked: bool) -> None:
        self._config, self._is_asked = config, is_asked
        self._nearness: dict[str, float] = {}

    @cached_property
    def tests(self) -> dict[str, Earlier]:
        """Results by node id; entries that cannot be read are left out."""
        if hasattr(self._config, "workerinput"):
            given = self._config.workerinput.get(_INPUT, {})
        else:
            cache = getattr(self._config, "cache", None)  # none with no:cacheprovider
            given = {} if cache is None else cache.get(_KEY, {})
        if not isinstance(given, Mapping):
            return {}
        found = {str(key): Earlier.from_json(it) for key, it in given.items()}
        return {key: it for key, it in found.items() if it is not None}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send the results to every pytest-xdist worker."""
        if self._is_asked:
            node.workerinput[_INPUT] = _as_json(self.tests)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record how near a test came to failing."""
        found = getattr(report, PAYLOAD, None)
        if found is not None:
            near = [float(it.get("nearness", 0.0)) for it in found.get("runs", ())]
            self._nearness[report.nodeid] = min(max(near, default=0.0), 1.0)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the results, updated by this session, to the cache."""
        config, collected = session.config, session.config.stash[COLLECTED]
        cache = getattr(config, "cache", None)
        if hasattr(config, "workerinput") or cache is None or not collected.results:
            return
        known = dict(self.tests)
        for nodeid, result in collected.results.items():
            known[nodeid] = self._after(known.get(nodeid, Earlier()), nodeid, result)
        for nodeid, state in collected.states().items():
            if state == LEFT_OUT and nodeid in known:
                old = known[nodeid]
                known[nodeid] = replace(old, left_out=old.left_out + 1)
        root = config.rootpath
        kept = {it: known[it] for it in known if (root / it.split("::")[0]).exists()}
        cache.set(_KEY, _as_json(kept))

    def _after(self, old: Earlier, nodeid: str, result: Result) -> Earlier:
        """Return the results of a test after this session; a skipped test keeps the old
        ones.
        """
        if result.outcome == "skipped":
            return old
        return Earlier(
            failed=result.outcome == "failed",
            nearness=self._nearness.get(nodeid, 0.0),
            seconds=result.seconds,
        )


def _as_json(known: Mapping[str, Earlier]) -> dict[str, dict[str, Any]]:
    return {nodeid: asdict(it) for nodeid, it in sorted(known.items())}


EARLIER = pytest.StashKey[EarlierSessions]()
