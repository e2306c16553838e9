"""``python -m tests.golden write`` or ``compare``: the report, to the last digit.

The last digits are those of one machine: write before a change that must not change
behavior, compare after it, both here. The test beside this compares what holds
everywhere with the file that is committed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.golden.golden import COMMITTED, differences, facts, report, rounded

EXACT = Path(tempfile.gettempdir()) / "lossguard_golden.json"


def main(action: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        whole = report(Path(folder))
    if action == "write":
        EXACT.write_text(json.dumps(whole, indent=1))
        COMMITTED.write_text(json.dumps(rounded(facts(whole)), indent=1) + "\n")
        print(f"wrote {EXACT} and {COMMITTED}: {len(whole)} tests")
        return 0
    found = differences(json.loads(EXACT.read_text()), whole)
    print("\n".join(found) or f"equal: {len(whole)} tests")
    return bool(found)


sys.exit(main(sys.argv[1]))
