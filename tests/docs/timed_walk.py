"""``python -m tests.docs.timed_walk WHEEL``: how long the tutorial takes a new user.

Does what the page says, word by word, in an empty folder and a new virtual environment:
each file is written, each command is run and timed. Prints a Markdown table of the
steps; `docs/explanation/first-hour.md` has one. The wheel takes the place of the
release on the package index.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.docs import DOCS, blocks_in, commands

#: Words that an adult reads in a minute, of prose and of code.
WORDS_A_MINUTE = 200


@dataclass(frozen=True)
class Step:
    """A piece of text to read, or a command to wait for."""

    what: str
    words: int = 0
    command: str = ""
    path: str = ""
    text: str = ""

    @property
    def reading(self) -> float:
        """Seconds."""
        return 60 * self.words / WORDS_A_MINUTE


def steps(page: str) -> Iterator[Step]:
    """What a reader does, in the order of the page: reads, writes a file, runs."""
    for section in re.split(r"^(?=##? )", page, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0].lstrip("# ")
        yield Step(f"read “{title}”", len(section.split()))
        for block in blocks_in(section):
            if block.caption:
                what = f"write `{block.caption}`"
                yield Step(what, path=block.caption, text=block.text)
            lines = block.text.splitlines() if block.language == "sh" else []
            if block.language == "console":
                lines = [it.line for it in commands(block)]
            for line in lines:
                yield Step(f"`{line}`", command=line)


@dataclass(frozen=True)
class Done:
    """A step, the seconds that its command took, and the exit code."""

    step: Step
    waited: float = 0.0
    exit_code: int = 0

    @property
    def what(self) -> str:
        """The step; of pytest with its color."""
        if not self.step.command.startswith("pytest"):
            return self.step.what
        return f"{self.step.what}: {'red' if self.exit_code else 'green'}"


def table(found: Sequence[Done]) -> str:
    """The steps with seconds of reading and waiting, and the clock after each."""
    lines = ["| step | reading | waiting | since the start |", "|---|---|---|---|"]
    clock = 0.0
    for it in found:
        clock += it.step.reading + it.waited
        reading = f"{it.step.reading:.0f} s" if it.step.words else ""
        waiting = f"{it.waited:.0f} s" if it.step.command else ""
        lines.append(f"| {it.what} | {reading} | {waiting} | {_minutes(clock)} |")
    read = sum(it.step.reading for it in found)
    waited = sum(it.waited for it in found)
    lines.append(f"| **all** | {read:.0f} s | {waited:.0f} s | {_minutes(clock)} |")
    return "\n".join(lines)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def walk(
    found: Iterable[Step], run: Callable[[str], int], folder: Path
) -> Iterator[Done]:
    """Do the steps in a folder; `run` runs a command and returns its exit code."""
    for step in found:
        if step.path:
            path = folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        start = time.monotonic()
        exit_code = run(step.command) if step.command else 0
        yield Done(step, time.monotonic() - start, exit_code)


class Shell:
    """One shell for all commands, so that an activated environment stays active."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )

    def __call__(self, line: str) -> int:
        """Run a line, whose output goes to the error stream; its exit code."""
        assert self._process.stdin
        assert self._process.stdout
        print(f"$ {line}", file=sys.stderr, flush=True)
        self._process.stdin.write(f"{line} </dev/null >&2; echo $?\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def environment(wheel: Path) -> dict[str, str]:
    """A shell's variables; the index has the wheel, and pip's cache is not used."""
    links = os.environ.get("PIP_FIND_LINKS", "")
    return os.environ | {
        "PIP_FIND_LINKS": f"{wheel.resolve().parent} {links}".strip(),
        "PIP_NO_CACHE_DIR": "1",
        "COLUMNS": "80",
        **{f"GIT_{who}_NAME": "A reader" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "reader@home" for who in ("AUTHOR", "COMMITTER")},
    }


if __name__ == "__main__":
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as home:
        shell = Shell(Path(home), environment(Path(sys.argv[1])))
        print(table(list(walk(steps(page), shell, Path(home)))))
