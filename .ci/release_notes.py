"""The section of a version in CHANGELOG.md: ``python .ci/release_notes.py v0.1.0``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def section(changelog: str, version: str) -> str:
    """What stands under the heading ``## [version]``, without the heading.

    Raises:
        ValueError: There is no such section, or nothing in it.
    """
    parts = re.split(r"^## \[([^\]]+)\].*$", changelog, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    if version not in found:
        raise ValueError(
            f"CHANGELOG.md has no section [{version}], only {', '.join(found)}:"
            " rename [Unreleased] to it"
        )
    # Addresses of the headings stand below the last section.
    text = re.sub(r"^\[[^\]]+\]: \S+$", "", found[version], flags=re.MULTILINE).strip()
    if not text:
        raise ValueError(f"CHANGELOG.md says nothing in its section [{version}]")
    return f"{text}\n"


def main(arguments: list[str], changelog: Path = CHANGELOG) -> int:
    """Print the notes of the tag that is given."""
    (tag,) = arguments
    try:
        notes = section(changelog.read_text(encoding="utf-8"), tag.removeprefix("v"))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.write(notes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
