"""Output for GitHub Actions: a Markdown table, and annotations at the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ..core.addresses import address_of, see
from ..core.systems import relative
from . import checked
from .entry import (
    LOSS,
    STEPS_ONLY,
    Entry,
    causes_of,
    format_limit_used,
    format_loss,
    verdict_of,
    worst_run,
)
from .sound import sound
from .without_entry import without_result

#: Largest step summary in bytes of UTF-8, and most annotations of each severity in a
#: step; both from the documentation of workflow commands.
MOST_BYTES, _MOST = 1024 * 1024, 10
_COLUMNS = ("test", "verdict", LOSS, "steps", "of limit", "what was found")
#: Characters with a meaning in Markdown or HTML.
_MARKUP = "&<>|*_`[]()\\~!#$@{}"


def summary(
    tests: Iterable[Entry],
    room: int = MOST_BYTES,
    others: Mapping[str, str] | None = None,
) -> str:
    """Return a table of the tests, failed ones first and then those with warnings,
    preceded by the names of the tests without a result.

    Args:
        tests: Entries of the tests.
        room: Most bytes of UTF-8; rows that do not fit are counted in a last line.
        others: Outcomes of the marked tests without an entry; see `write_json`.
    """
    ordered = sorted(map(sound, tests), key=lambda it: (_rank(it), it["nodeid"]))
    of_checks = [it for it in ordered if checked.is_only_checked(it)]
    trained = [it for it in ordered if not checked.is_only_checked(it)]
    text = "### lossguard\n\n"
    without = without_result(others or {})
    for why, nodeids in without.items():
        text += _names(why, nodeids, (room - _size(text)) // 2)
    if trained or not (of_checks or without):
        bad = sum(_rank(test) == 0 for test in trained)
        title = f"{_plural(len(trained), 'test')} of training, {bad or 'none'} failed"
        text += _table(title, _COLUMNS, trained, _row, room - _size(text))
    if of_checks:
        title, left = checked.counted(of_checks), room - _size(text)
        nouns = {it.noun for test in of_checks if (it := checked.checked_of(test))}
        noun = nouns.pop() if len(nouns) == 1 else "check"
        columns = (noun, "outcome", "what was found")
        text += _table(title, columns, of_checks, _check_row, left)
    return text if len(text.encode()) <= room else ""


def _names(why: str, nodeids: list[str], room: int) -> str:
    """List the tests without a result for one reason, collapsed, within a number of
    bytes.
    """
    title = f"{_plural(len(nodeids), 'marked test')} without a result, {why}"
    lines = [f"<details><summary>{title}</summary>", ""]
    end = "\n</details>"
    room -= sum(map(_size, (*lines, _left_out(len(nodeids)), end)))
    for index, nodeid in enumerate(nodeids):
        line = f"- {escaped(nodeid)}"
        room -= _size(line)
        if room < 0:
            lines.append(_left_out(len(nodeids) - index))
            break
        lines.append(line)
    return "\n".join([*lines, end]) + "\n\n"


def _table(
    title: str,
    columns: tuple[str, ...],
    tests: list[Entry],
    row: Callable[[Entry], str],
    room: int,
) -> str:
    """Return a title and a table within a number of bytes; rows that do not fit are
    counted.
    """
    lines = [title, "", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    used = sum(_size(line) for line in lines)
    marked = f"\n{escaped(STEPS_ONLY)}"
    reserve = _size(_left_out(len(tests))) + _size(marked)
    for index, test in enumerate(tests):
        line = row(test)
        used += _size(line)
        if used + reserve > room:
            lines.append(_left_out(len(tests) - index))
            break
        lines.append(line)
    if any(format_loss(run).endswith("*") for it in tests if (run := worst_run(it))):
        lines.append(marked)
    return "\n".join(lines) + "\n\n"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _left_out(count: int) -> str:
    return f"\n{count} more are left out: a step summary holds at most 1 MiB"


def _size(line: str) -> int:
    return len(line.encode()) + 2


def _rank(test: Entry) -> int:
    if test["outcome"] == "failed":
        return 0
    found = any(run["findings"] for run in test["runs"]) or checked.is_allowed(test)
    return 1 if found else 2


def _row(test: Entry) -> str:
    run = worst_run(test)
    facts = ("-", "-", "-")
    if run is not None:
        facts = (format_loss(run), str(run["steps"]), format_limit_used(run))
    cells = (test["nodeid"], verdict_of(test), *facts, " / ".join(_describe(test)))
    return _cells(cells, test)


def _check_row(test: Entry) -> str:
    text = " / ".join(_describe(test)) or checked.describe(test)
    return _cells((test["nodeid"], verdict_of(test), text), test)


def _cells(cells: Iterable[str], test: Entry) -> str:
    """Return a table row; names of kinds in its last cell link to their explanation."""
    *rest, text = map(escaped, cells)
    for name, kind in _named(test):
        address = address_of(kind)
        if address is not None:
            text = text.replace(escaped(name), f"[{escaped(name)}]({address})", 1)
    return f"| {' | '.join([*rest, text])} |"


def _named(test: Entry) -> Iterator[tuple[str, str]]:
    """Yield the names in the description of a test, with their kinds: the check, the
    first finding, its cause.
    """
    found = checked.checked_of(test)
    if found is not None and found.is_bad:
        yield found.name, found.kind
    run = worst_run(test)
    if run is not None and run["findings"]:
        kinds = [run["findings"][0]["kind"]]
        kinds += [it["cause"] for it in causes_of(run)[:1] if it["verified"]]
        yield from ((it, it) for it in dict.fromkeys(kinds))


def _describe(test: Entry) -> Iterator[str]:
    """Yield sentences on a test: other errors, the check, the first finding, the cause,
    the baseline.
    """
    run = worst_run(test)
    if test["outcome"] == "failed" and not _explains_failure(test):
        yield (test["error"] or "failed").partition("\n")[0]
    if _is_broken(test):
        yield checked.describe(test)
    if run is not None and run["findings"]:
        first = run["findings"][0]
        yield f"{first['kind']}: {first['message']}"
        for cause in causes_of(run)[:1]:
            if cause["verified"]:
                yield f"cause: {cause['cause']}; {cause['remedy']}"
    baseline = test.get("baseline")
    if baseline is not None:
        yield f"baseline: {baseline['told']}"


def escaped(text: str) -> str:
    """Return a text as one line that Markdown shows unchanged."""
    plain = " ".join(text.split())
    return "".join(f"&#{ord(it)};" if it in _MARKUP else it for it in plain)


def commands(tests: Iterable[Entry], root: Path, workspace: Path) -> Iterator[str]:
    """Yield workflow commands that annotate the lines of the tests.

    Args:
        tests: Entries of the tests. Failed tests give errors and passed ones warnings,
            at most 10 of each, in the order of their ids.
        root: Folder that the paths of the tests are relative to.
        workspace: Folder that GitHub's paths are relative to: the repository checkout.
    """
    left = {"error": _MOST, "warning": _MOST}
    for test in sorted(map(sound, tests), key=lambda it: it["nodeid"]):
        level = {"failed": "error", "passed": "warning"}.get(test["outcome"])
        sentences = list(_describe(test))
        if level is None or not sentences or not left[level]:
            continue
        left[level] -= 1
        where = {
            "file": _within(root / test["file"], workspace),
            "line": test["line"] or 1,
            "title": f"lossguard: {_title(test)}",
        }
        options = ",".join(f"{key}={_property(str(it))}" for key, it in where.items())
        text = _whole(test) or [*sentences, *see(kind for _, kind in _named(test))]
        message = "\n".join([test["nodeid"], *text])
        yield f"::{level} {options}::{_data(message)}"


def _whole(test: Entry) -> list[str]:
    """Return the full message of a bad check if nothing trained: an annotation has room
    for it.
    """
    found = checked.checked_of(test)
    if found is None or test["runs"] or not found.is_bad:
        return []
    return [checked.describe(test), *found.message.splitlines()[1:]]


def _explains_failure(test: Entry) -> bool:
    """Whether the findings, the check or the baseline explain the failure."""
    if _is_broken(test):
        return True
    found = [it for run in test["runs"] for it in run["findings"]]
    baseline = test.get("baseline")
    metrics = [] if baseline is None else baseline["metrics"]
    regressed = any(it["regressed"] for it in metrics)
    return any(it["severity"] == "error" for it in found) or regressed


def _is_broken(test: Entry) -> bool:
    found = checked.checked_of(test)
    return found is not None and found.is_bad


def _title(test: Entry) -> str:
    verdict = verdict_of(test)
    good = ("converged", "none", "kept", "passed", "skipped")
    failed = test["outcome"] == "failed" and verdict in good
    found = checked.checked_of(test)
    if found is not None and not test["runs"] and not failed:
        return f"{found.noun} {verdict}"
    return "failed" if failed else verdict


def _within(file: Path, workspace: Path) -> str:
    inside = relative(file, workspace)
    return Path(file if inside.startswith("..") else inside).as_posix()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
