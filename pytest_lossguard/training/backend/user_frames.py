"""Stack frames of the user's code, for a traceback that ends at the user's line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import FrameSummary, walk_tb
from types import FrameType, TracebackType

from .frameworks import keras, tf
from .private_api import (
    AUTOGRAPH,
    AUTOGRAPH_FILE,
    COMPAT_V1_OPTIMIZERS,
    written_line_of,
)

#: Prefix of the modules with the hooks of this package.
HOOKS = "pytest_lossguard.training."
#: Path of this package as imported, perhaps through a symbolic link, because frames
#: name their files in the same way.
_OURS = str(Path(__file__).parent.parent)
_FRAMEWORKS = (
    _OURS,
    str(Path(keras.__file__).parent),
    str(Path(tf.__file__).parent),
    "<",
)


@dataclass(frozen=True, slots=True)
class UserFrames:
    """Frames of the user's code.

    Attributes:
        frames: Frame, index of its current instruction and line number of each frame,
            outermost first.
    """

    frames: tuple[tuple[FrameType, int, int], ...]

    def traceback(self, test_file: str) -> TracebackType | None:
        """Return a traceback from the first frame in ``test_file`` to the innermost.

        It starts at the outermost frame if none is in ``test_file``, and is None if
        there are no frames.
        """
        entry: TracebackType | None = None
        files = [frame.f_code.co_filename for frame, _, _ in self.frames]
        first = files.index(test_file) if test_file in files else 0
        for frame, instruction, line in reversed(self.frames[first:]):
            entry = TracebackType(entry, frame, instruction, line)
        return entry


def is_framework(frame: FrameType) -> bool:
    """Whether a frame runs code of an installed package or of this one."""
    return _is_of_framework(frame.f_code.co_filename)


def is_of_user(frame: FrameType) -> bool:
    """Whether a frame runs the user's code, or what AutoGraph made of it."""
    return not is_framework(frame) or AUTOGRAPH_FILE in frame.f_code.co_filename


def _is_of_framework(file: str) -> bool:
    if file.startswith(_FRAMEWORKS) or AUTOGRAPH_FILE in file:
        return True
    return "site-packages" in Path(file).parts


def taken_at() -> str:
    """Return the current place in the user's code, such as ``"train.py:12"``.

    If another training framework made the call, its name is appended.
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


def clear_framework_frames(error: BaseException) -> None:
    """Clear the local variables of frameworks' frames that an exception has left.

    A failure keeps its traceback, and so their variables, until the next failure.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if is_framework(frame):
            with suppress(RuntimeError):  # it is still running
                frame.clear()


def called_at(frame: FrameType | None) -> tuple[str, int] | None:
    """Return file and line of the user's code that made a call.

    None if code of a package or of the standard library made it.

    Args:
        frame: The frame that made the call, perhaps AutoGraph on behalf of the user.
    """
    while frame is not None and module_of(frame).startswith(AUTOGRAPH):
        frame = frame.f_back
    if frame is None or module_of(frame).partition(".")[0] in sys.stdlib_module_names:
        return None
    place: tuple[str, int] | None = frame.f_code.co_filename, frame.f_lineno
    if AUTOGRAPH_FILE in frame.f_code.co_filename:
        place = written_line_of(frame)
    return None if place is None or _is_of_framework(place[0]) else place


def caller_outside(*modules: str) -> FrameType | None:
    """Return the innermost frame on the stack outside of some modules; None if all are
    inside.

    Args:
        modules: Prefixes of the names of the modules.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and module_of(frame).startswith(modules):
        frame = frame.f_back
    return frame


def module_of(frame: FrameType) -> str:
    """Return the name of the module whose code a frame runs."""
    return str(frame.f_globals.get("__name__", ""))


def written_at(stack: Sequence[FrameSummary]) -> str:
    """Return the innermost place in the user's code of a saved stack.

    Args:
        stack: Frames of the stack, outermost first.
    """
    for frame in reversed(stack):
        if not _is_of_framework(frame.filename):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return "an unknown place"


#: Names of other training frameworks, by the prefix of their modules.
_OTHERS = {
    "tf_keras.": "tf_keras",
    COMPAT_V1_OPTIMIZERS: "a tf.compat.v1 optimizer",
}


def user_frames() -> UserFrames:
    """Return the user's frames on the stack, without those of frameworks.

    The search goes outwards from the user's innermost frame and ends at the first frame
    of pytest, or at the start of the program.
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
