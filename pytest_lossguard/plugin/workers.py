"""Data that the controller of pytest-xdist sends to its workers.

A worker, perhaps on another machine, needs the folder that pytest was called in and the
case to replay.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import UsageError
from ..core.systems import relative, with_slashes

if TYPE_CHECKING:
    from ..report.replay import Replay

#: Keys of ``workerinput`` with the folder and the case.
_FOLDER, _REPLAY = "lossguard_called_in", "lossguard_replay"


class Controller:
    """Sends the folder and the case to each worker.

    Args:
        config: The config of the controller.
        replay: The case that ``--lossguard-replay`` names; None without the option.
    """

    def __init__(self, config: pytest.Config, replay: Replay | None) -> None:
        self._config, self._replay = config, replay

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send both as builtins; the folder is relative to the root, which every worker
        has.
        """
        folder = relative(self._config.invocation_params.dir, self._config.rootpath)
        node.workerinput[_FOLDER] = with_slashes(folder)
        if self._replay is not None:
            node.workerinput[_REPLAY] = self._replay.to_json()


def called_in(config: pytest.Config) -> Path:
    """Return the folder that paths in commands and messages are relative to."""
    folder = getattr(config, "workerinput", {}).get(_FOLDER)
    return config.invocation_params.dir if folder is None else config.rootpath / folder


def replay_of(config: pytest.Config) -> Replay | None:
    """Return the case that ``--lossguard-replay`` names; None without the option.

    Raises:
        pytest.UsageError: The file cannot be read.
    """
    given = config.getoption("lossguard_replay")
    if given is None:
        return None
    from ..report.replay import Replay, read_replay

    received = getattr(config, "workerinput", {}).get(_REPLAY)
    if received is not None:
        return Replay.from_json(received)
    try:
        return read_replay(Path(config.invocation_params.dir, given))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
