"""How the first hour is measured: the steps of a page, in order, and their table."""

from __future__ import annotations

import re

from tests.docs.timed_walk import Done, Step, steps, table, walk
from tests.support.docs import DOCS

PAGE = """# Two steps

Install it:

```sh
pip install it
```

## A test

```{code-block} python
:caption: tests/test_a.py
def test_a(): ...
```

```console
$ pytest -q
1 passed
$ git add .
```
"""


def test_a_page_is_read_section_by_section_and_each_block_is_done():
    found = [(it.what, it.words, it.command, it.path) for it in steps(PAGE)]

    assert found == [
        ("read “Two steps”", 10, "", ""),
        ("`pip install it`", 0, "pip install it", ""),
        ("read “A test”", 22, "", ""),
        ("write `tests/test_a.py`", 0, "", "tests/test_a.py"),
        ("`pytest -q`", 0, "pytest -q", ""),
        ("`git add .`", 0, "git add .", ""),
    ]


def test_files_are_written_before_the_command_that_needs_them(tmp_path):
    seen = []

    def run(line):
        seen.append((line, sorted(it.name for it in tmp_path.rglob("*.py"))))
        return len(seen) - 1

    done = list(walk(steps(PAGE), run, tmp_path))

    assert seen == [
        ("pip install it", []),
        ("pytest -q", ["test_a.py"]),
        ("git add .", ["test_a.py"]),
    ]
    assert [it.exit_code for it in done if it.step.command] == [0, 1, 2]


def test_the_table_adds_up_reading_and_waiting_and_says_red_or_green():
    done = [
        Done(Step("read “A”", words=300)),
        Done(Step("`pytest -q`", command="pytest -q"), waited=8.4, exit_code=1),
        Done(Step("`pytest`", command="pytest"), waited=30.0),
    ]

    assert table(done).splitlines()[2:] == [
        "| read “A” | 90 s |  | 1:30 |",
        "| `pytest -q`: red |  | 8 s | 1:38 |",
        "| `pytest`: green |  | 30 s | 2:08 |",
        "| **all** | 90 s | 38 s | 2:08 |",
    ]


def test_the_table_in_the_docs_has_the_steps_of_the_tutorial_in_under_ten_minutes():
    text = (DOCS / "explanation" / "first-hour.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \|.*\| (\d+):(\d\d) \|$", text, re.MULTILINE)
    tutorial = (DOCS / "tutorial.md").read_text(encoding="utf-8")

    whats = [re.sub(r": (red|green)$", "", what) for what, *_ in rows]
    colors = [
        what.rpartition(": ")[2] for what, *_ in rows if what.startswith("`pytest")
    ]
    assert whats == [*(it.what for it in steps(tutorial)), "**all**"]
    assert colors == ["green", "green", "red", "green"]
    assert int(rows[-1][1]) < 10
