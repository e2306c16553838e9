"""State of the session, and of one test."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.systems import quoted, relative
from .hook_calls import checks_of
from .options import diagnosis_budget
from .workers import called_in

if TYPE_CHECKING:
    from ..core.policy import Policy
    from ..report.replay import Replay
    from ..session.guard import Guard
    from ..session.search import Search


@dataclass(slots=True)
class Session:
    """State that lives as long as pytest runs: the trainer and the current test."""

    config: pytest.Config
    seed: int
    replay: Replay | None = None
    current: pytest.Item | None = None
    _trainer: Any = None

    @property
    def test(self) -> Test | None:
        """The state of the current test; None between tests."""
        return None if self.current is None else self.current.stash.get(TEST, None)

    def trainer(self) -> Any:
        """Return the trainer; the first call imports TensorFlow."""
        if self._trainer is None:
            from ..training import Trainer

            workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
            self._trainer = Trainer(shared_by=workers)
        return self._trainer


@dataclass(slots=True)
class Test:
    """State that lives as long as one test runs."""

    policy: Policy | None
    guard: Guard | None = None
    seconds: float = 0.0
    seeds: Any = None
    seeds_of_body: Any = None
    search: Search | None = None
    files: dict[str, Any] = field(default_factory=dict)
    cleanup: ExitStack = field(default_factory=ExitStack)

    def release(self) -> None:
        """Release the models and data of the test: pytest keeps every item until the
        end.
        """
        self.cleanup.close()
        if self.guard is not None:
            self.guard.release()
        self.guard = self.search = self.seeds = self.seeds_of_body = None
        self.files = {}


SESSION = pytest.StashKey[Session]()
TEST = pytest.StashKey[Test]()
POLICY = pytest.StashKey["Policy | None"]()
#: Origin of each key of the policy that is not a default.
ORIGINS = pytest.StashKey[dict[str, str]]()
#: Default policy keys of the project.
PROJECT_POLICY = pytest.StashKey[dict[str, Any]]()
#: Number of marks that the policy was read from.
MARKS = pytest.StashKey[int]()


def guard_of(item: pytest.Item) -> Guard:
    """Return the guard of a test; the first call makes it."""
    test = item.stash[TEST]
    if test.guard is None:
        from ..session.failure import MessageStyle
        from ..session.guard import Guard

        session = item.config.stash[SESSION]
        test.guard = Guard(
            policy=test.policy,
            seed=session.seed,
            trainer=session.trainer,
            test=item.nodeid,
            test_file=str(item.path),
            style=MessageStyle(
                reproduce=run_again(item),
                ascii_only=not shows_blocks(),
                verbose=item.config.get_verbosity() > 1,
            ),
            budget=diagnosis_budget(item.config),
            checks=checks_of(item),
        )
    return test.guard


def run_again(item: pytest.Item) -> str:
    """Return the command that runs the test again, with its seed, in the current
    folder.
    """
    return (
        f"pytest {_as_typed(item)} --lossguard-seed={item.config.stash[SESSION].seed}"
    )


def _as_typed(item: pytest.Item) -> str:
    """Return the node id as typed in a shell in the current folder."""
    _, separator, name = item.nodeid.partition("::")
    path = relative(item.path, called_in(item.config))
    return quoted(f"{path}{separator}{name}")


def path_as_typed(path: Path, item: pytest.Item) -> str:
    """Return a path as typed in a shell in the current folder."""
    return quoted(relative(path, called_in(item.config)))


def shows_blocks() -> bool:
    """Whether the terminal can show block characters."""
    import sys

    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    try:
        "▁█".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
