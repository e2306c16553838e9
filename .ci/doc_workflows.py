"""The workflows that the documentation and the examples show, as files in a folder:
what users copy is linted like what runs here.

``python .ci/doc_workflows.py FOLDER``
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: A workflow in a block of a page: it has jobs and says when they run.
_BLOCK = re.compile(
    r"^```(?:yaml|\{code-block\} yaml\n.*?)\n(?P<text>.*?)^```", re.S | re.M
)
EXAMPLE = ROOT / "examples" / "ci" / "github-actions.yml"


def workflows() -> dict[str, str]:
    """The text of each, by the name of a file for it."""
    found = {EXAMPLE.name: EXAMPLE.read_text(encoding="utf-8")}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        blocks = (
            it["text"] for it in _BLOCK.finditer(page.read_text(encoding="utf-8"))
        )
        shown = [it for it in blocks if re.search("^on:", it, re.M) and "\njobs:" in it]
        found |= {f"{page.stem}-{at}.yml": text for at, text in enumerate(shown)}
    return found


def main(folder: Path) -> None:
    """Write them where a linter looks for workflows."""
    shutil.rmtree(folder, ignore_errors=True)
    target = folder / ".github" / "workflows"
    target.mkdir(parents=True)
    for name, text in workflows().items():
        (target / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
