"""pytest on a suite without marked tests, with and without the plugin."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from measure import measured

FILES, TESTS, REPETITIONS = 20, 10, 25


def write_suite(folder: Path) -> None:
    for file in range(FILES):
        tests = (f"def test_{test}():\n    assert True\n" for test in range(TESTS))
        (folder / f"test_file_{file}.py").write_text("\n\n".join(tests))
    (folder / "pytest.ini").write_text("[pytest]\n")


def collect(folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *options]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_suite(folder)

        def ours() -> None:
            collect(folder)

        def theirs() -> None:
            collect(folder, "-p", "no:lossguard")

        for warm_up in (ours, theirs):
            warm_up()
        pairs = measured(ours, theirs, REPETITIONS)
        pairs.report("start-up", "pytest without the plugin")


if __name__ == "__main__":
    main()
