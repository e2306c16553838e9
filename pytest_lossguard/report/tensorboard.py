"""Event files for TensorBoard, written with `tensorboard` only, without TensorFlow.

`tensorboard` is imported inside functions, because it is optional and slow to load.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.files import write_whole
from .entry import Entry, RunEntry, causes_of, labeled_loss
from .sound import sound

_FILE = "events.out.tfevents.lossguard"
_LONGEST = 100


def write_events(
    folder: Path, tests: Iterable[Entry], clock: Callable[[], float] = time.time
) -> None:
    """Write one TensorBoard run for each training, replacing earlier ones.

    A run has the scalars ``loss``, ``data_loss`` (without penalties) and
    ``gradient_norm`` of each step, counted from 1, and the text ``findings``.

    Args:
        folder: Folder for ``tensorboard --logdir``; made if it is missing.
        tests: Entries of the tests.
        clock: Returns seconds since the epoch; all events of a run get the same time.

    Raises:
        OSError: A file cannot be written.
    """
    for test in map(sound, tests):
        for index, run in enumerate(test["runs"], start=1):
            name = run_name(test["nodeid"], f"{index}-{run['model']}")
            records = b"".join(map(_record, _events(test, run, clock())))
            write_whole(folder / name / _FILE, records)


def run_name(nodeid: str, training: str) -> Path:
    """Return the folders of a training of a test: safe on every system, and unique."""
    return Path(_safe(nodeid, nodeid.lower()), _safe(training, training))


def _safe(name: str, only: str) -> str:
    """Return a folder name: plain if the name equals `only`, which no other name maps
    to, else with a checksum.
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[-_LONGEST:]
    if plain == only.replace("::", "-").replace("/", "-"):
        return plain
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _events(test: Entry, run: RunEntry, now: float) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb

    yield Event(wall_time=now, file_version="brain.Event:2")
    curves = {
        "loss": run["loss"],
        "data_loss": run["data_loss"] or run["loss"],
        "gradient_norm": run["grad_norm"],
    }
    for step, values in enumerate(zip(*curves.values(), strict=True), start=1):
        scalars = [
            Summary.Value(tag=tag, simple_value=float(value))
            for tag, value in zip(curves, values, strict=True)
        ]
        yield Event(wall_time=now, step=step, summary=Summary(value=scalars))
    text = "\n".join(_describe(test, run))
    yield Event(wall_time=now, step=run["steps"], summary=text_pb("findings", text))


def _describe(test: Entry, run: RunEntry) -> Iterator[str]:
    """Yield the findings and causes as Markdown."""
    yield f"{test['nodeid']}: {run['verdict'].replace('_', ' ')}\n"
    yield f"{labeled_loss(run)}\n"
    for it in run["findings"]:
        yield f"- **{it['severity']}** `{it['kind']}`: {it['message']}"
    for cause in causes_of(run):
        known = "cause" if cause["verified"] else "suspected cause"
        yield f"- **{known}** `{cause['cause']}`: {cause['remedy']}"


def _record(event: Any) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()
