"""What a worker of pytest-xdist, perhaps on another machine, has to know of the
controller: the folder that pytest was called in, and the case to replay.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import UsageError
from ..core.systems import relative, with_slashes

if TYPE_CHECKING:
    from ..report.replay import Replay

__all__ = ["Controller", "called_in", "replay_of"]

#: Where a worker finds them.
_FOLDER, _REPLAY = "lossguard_called_in", "lossguard_replay"


class Controller:
    """Tells each worker.

    Args:
        config: Of the controller.
        replay: The case that ``--lossguard-replay`` names.
    """

    def __init__(self, config: pytest.Config, replay: Replay | None) -> None:
        self._config, self._replay = config, replay

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Both as builtins: the folder as seen from the root, which each has."""
        folder = relative(self._config.invocation_params.dir, self._config.rootpath)
        node.workerinput[_FOLDER] = with_slashes(folder)
        if self._replay is not None:
            node.workerinput[_REPLAY] = self._replay.to_json()


def called_in(config: pytest.Config) -> Path:
    """The folder that paths on the command line and in messages start from."""
    folder = getattr(config, "workerinput", {}).get(_FOLDER)
    return config.invocation_params.dir if folder is None else config.rootpath / folder


def replay_of(config: pytest.Config) -> Replay | None:
    """The case that ``--lossguard-replay`` names.

    Raises:
        pytest.UsageError: It cannot be read.
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
