"""The user's own frames above a call, for a traceback that ends at their line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from traceback import FrameSummary
from types import FrameType, TracebackType

from .frameworks import keras, tf
from .private_api import COMPAT_V1_OPTIMIZERS

__all__ = ["UserFrames", "is_framework", "taken_at", "user_frames", "written_at"]

#: As it was imported, maybe by a link: frames name their files so.
_OURS = str(Path(__file__).parent.parent)
_FRAMEWORKS = (
    _OURS,
    str(Path(keras.__file__).parent),
    str(Path(tf.__file__).parent),
    "<",
)


@dataclass(frozen=True, slots=True)
class UserFrames:
    """Frames with the line each was at, outermost first."""

    frames: tuple[tuple[FrameType, int, int], ...]

    def traceback(self, test_file: str) -> TracebackType | None:
        """A traceback from the first frame in ``test_file`` to the user's last."""
        entry: TracebackType | None = None
        files = [frame.f_code.co_filename for frame, _, _ in self.frames]
        first = files.index(test_file) if test_file in files else 0
        for frame, instruction, line in reversed(self.frames[first:]):
            entry = TracebackType(entry, frame, instruction, line)
        return entry


def is_framework(frame: FrameType) -> bool:
    """Whether it is code of a package that is installed, or ours."""
    return _is_of_framework(frame.f_code.co_filename)


def _is_of_framework(file: str) -> bool:
    if file.startswith(_FRAMEWORKS) or "__autograph_generated" in file:
        return True
    return "site-packages" in Path(file).parts


def taken_at() -> str:
    """Where in the user's code we are, as ``"train.py:12"``, and whether through
    another framework of trainings.
    """
    place, through = "", ""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and not place:
        module = frame.f_globals.get("__name__", "")
        for start, name in _OTHERS.items():
            through = through or (name if module.startswith(start) else "")
        if not is_framework(frame):
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return f"{place or 'an unknown place'}{through and f' by {through}'}"


def written_at(stack: Sequence[FrameSummary]) -> str:
    """The place of a stack that was kept, outermost first, in the user's code."""
    for frame in reversed(stack):
        if not _is_of_framework(frame.filename):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return "an unknown place"


#: Others that train, by what the names of their modules begin with.
_OTHERS = {
    "tf_keras.": "tf_keras",
    COMPAT_V1_OPTIMIZERS: "a tf.compat.v1 optimizer",
}


def user_frames() -> UserFrames:
    """The chain of frames down to the user's innermost one, frameworks left out.

    Only frames between the innermost frame of the user and the first one of
    pytest (or the start of the program) count.
    """
    frames: list[tuple[FrameType, int, int]] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        if not is_framework(frame):
            frames.append((frame, frame.f_lasti, frame.f_lineno))
        elif frames and frame.f_globals.get("__name__", "").startswith("_pytest."):
            break
        frame = frame.f_back
    return UserFrames(tuple(reversed(frames)))
