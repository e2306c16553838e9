"""Running a preparation in another process, with another hash seed.

Objects are sent by pickle. Functions that pickle cannot refer to by name, such as those
defined inside a test, are sent as their code, and the other process imports their
module for the globals. One process runs all preparations of a session, so that modules
are imported only once.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.util
import io
import marshal
import os
import pickle
import subprocess
import sys
import threading
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from .raw import Raw
from .subject import Prepared, subject_of
from .table import Table
from .wording import format_error

if TYPE_CHECKING:
    from .preparation import Preparation

_HASH_SEEDS = ("4242", "2424")
#: The environment variable that is set in the other process, so that it does not start
#: a further one.
_OTHER = "LOSSGUARD_OTHER_PROCESS"
#: The seconds to wait for an answer before the process is killed.
_LONGEST = 120.0
_MAIN = "__main__"


class CannotHandOver(Exception):
    """A preparation cannot be run in another process; the message says why."""


class OtherProcess:
    """A process that runs preparations, and ends when this process ends."""

    def __init__(self) -> None:
        own = os.environ.get("PYTHONHASHSEED")
        seed = next(it for it in _HASH_SEEDS if it != own)
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                _OTHER: "1",
                "PYTHONHASHSEED": seed,
                "CUDA_VISIBLE_DEVICES": "-1",  # this process uses the device
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        self._path = list(sys.path)

    @classmethod
    def shared(cls) -> OtherProcess:
        """Return the process that is shared by all preparations of this one.

        A new process is started if the old one has ended or the import path changed.

        Raises:
            CannotHandOver: This process is itself the other process.
        """
        if _OTHER in os.environ:
            raise CannotHandOver("this is the other process itself")
        made = _shared()
        if not made.is_usable():
            made.close()
            _shared.cache_clear()
            made = _shared()
        return made

    def is_usable(self) -> bool:
        """Whether the process is alive and has the import path of this process."""
        return self._process.poll() is None and self._path == sys.path

    def run(
        self, preparation: Preparation, served: int
    ) -> tuple[Prepared, Table | None] | str:
        """Run a preparation on its sample, and its serving path on the first rows.

        Args:
            preparation: The preparation to run.
            served: The number of rows to serve.

        Returns:
            The prepared sample and the served rows, None for these without a serving
            path or if it raised; or the text of what the preparation raised.

        Raises:
            CannotHandOver: The preparation can be neither pickled nor imported there,
                or the process ended.
        """
        try:
            job = _dumped(preparation, served)
        except Exception as error:
            raise CannotHandOver(
                "it can be neither pickled nor imported in another process:"
                f" {format_error(error)}"
            ) from None
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        watch = threading.Timer(_LONGEST, self._process.kill)
        watch.start()
        try:
            stdin.write(len(job).to_bytes(8, "big") + job)
            stdin.flush()
            size = int.from_bytes(stdout.read(8), "big")
            kind, made = pickle.loads(stdout.read(size))
        except (OSError, EOFError, pickle.UnpicklingError):
            self.close()
            raise CannotHandOver("the other process ended before it answered") from None
        finally:
            watch.cancel()
        if kind == "cannot":
            raise CannotHandOver(f"another process cannot take it: {made}")
        return made  # type: ignore[no-any-return]  # as `main` sends it

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@functools.cache
def _shared() -> OtherProcess:
    made = OtherProcess()
    atexit.register(made.close)
    return made


# Sending


class _Pickler(pickle.Pickler):
    """Pickles functions without an importable name as their code.

    A script cannot be imported without running it, so that functions of a script are
    sent with the globals that they use.
    """

    def reducer_override(self, found: Any) -> Any:
        if isinstance(found, ModuleType):
            return importlib.import_module, (found.__name__,)
        if not isinstance(found, FunctionType) or _is_importable(found):
            return NotImplemented
        cells = [it.cell_contents for it in found.__closure__ or ()]
        is_script = found.__module__ == _MAIN
        made = (
            marshal.dumps(found.__code__),
            _named_globals(found) if is_script else _module_of(found),
            found.__name__,
            found.__defaults__,
            found.__kwdefaults__,
            tuple(cells),
        )
        return _function, made


def _named_globals(function: FunctionType) -> dict[str, Any]:
    """Return the globals that a function and the functions inside it refer to."""
    codes, names = [function.__code__], set[str]()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [it for it in code.co_consts if isinstance(it, CodeType)]
    known = function.__globals__
    return {it: known[it] for it in sorted(names) if it in known}


def _is_importable(function: FunctionType) -> bool:
    module = sys.modules.get(function.__module__)
    found: Any = module
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function and function.__module__ != _MAIN


def _module_of(function: FunctionType) -> tuple[str, str | None]:
    name = function.__module__
    return name, getattr(sys.modules.get(name), "__file__", None)


def _function(
    code: bytes,
    space_of: tuple[str, str | None] | dict[str, Any],
    name: str,
    defaults: Any,
    keywords: Any,
    cells: tuple[Any, ...],
) -> FunctionType:
    loaded: CodeType = marshal.loads(code)

    def space() -> dict[str, Any]:
        return space_of if isinstance(space_of, dict) else vars(_imported(*space_of))

    closure = tuple(map(_cell, cells))
    made = FunctionType(loaded, space(), name, defaults, closure)
    made.__kwdefaults__ = keywords
    return made


def _cell(content: Any) -> Any:
    return (lambda: content).__closure__[0]  # type: ignore[index]  # it has one


def _imported(name: str, file: str | None) -> Any:
    """Import a module by its name, or from its file if the name is not found."""
    if name in sys.modules:
        return sys.modules[name]
    try:
        return importlib.import_module(name)
    except ImportError:
        pass
    if file is None:
        raise ImportError(f"module {name} has no file")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _dumped(preparation: Preparation, served: int) -> bytes:
    subject, file = preparation.subject, io.BytesIO()
    modules = {
        name: file_of
        for name, module in list(sys.modules.items())
        if (file_of := getattr(module, "__file__", None))
        and name not in (*_standard(), _MAIN)
        and "site-packages" not in file_of
    }
    given = subject.given
    _Pickler(file, protocol=5).dump(
        (
            given,
            preparation.x.value,
            None if preparation.y is None else preparation.y.value,
            preparation.seed,
            served,
        )
    )
    return pickle.dumps((modules, file.getvalue()))


def _standard() -> frozenset[str]:
    return frozenset(sys.stdlib_module_names)


# In the other process


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, modules: dict[str, str]) -> None:
        super().__init__(file)
        self._modules = modules

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            if module not in self._modules:
                raise
            found: Any = _imported(module, self._modules[module])
            for part in name.split("."):
                found = getattr(found, part)
            return found


def main() -> None:
    """Run preparations until the other end closes the pipe."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # discard what user code prints
    os.dup2(1, 2)
    stdin = sys.stdin.buffer
    while size := stdin.read(8):
        try:
            answer: tuple[str, Any] = _answer(stdin.read(int.from_bytes(size, "big")))
            made = pickle.dumps(answer)
        except Exception as error:
            made = pickle.dumps(("cannot", format_error(error)))
        answers.write(len(made).to_bytes(8, "big") + made)
        answers.flush()


def _answer(job: bytes) -> tuple[str, Any]:
    from .preparation import Preparation

    modules, content = pickle.loads(job)
    given, x, y, seed, served = _Unpickler(io.BytesIO(content), modules).load()
    target, serve, labels = given
    preparation = Preparation(
        subject=subject_of(target, serve=serve, labels=labels),
        x=Raw.of(x, "x"),
        y=None if y is None else Raw.of(y, "y"),
        seed=seed,
    )
    try:
        made = preparation.base
    except Exception as error:
        return "made", format_error(error)
    rows = range(min(served, preparation.x.rows))
    try:
        out = preparation.serve(preparation.x.take(rows)) if serve is not None else None
        if serve is None and preparation.has_serve:
            out = preparation.serve(preparation.x.take(rows))
    except Exception:
        out = None
    return "made", (made, out)
