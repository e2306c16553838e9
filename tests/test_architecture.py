"""The contracts on imports name every folder, and the tests are the package's tree."""

from __future__ import annotations

import ast
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pytest_lossguard
from tests.support.words import BRITISH

ROOT = Path(__file__).parents[1]
PACKAGE = Path(pytest_lossguard.__file__).parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
#: Who may import what the others may not.
FOLDER_OF = {"tensorflow": "training", "hypothesis": "strategies", "pytest": "plugin"}
#: Folders of tests that stand for no folder of the package.
OTHERS = {
    *("browser", "ci", "docs", "examples", "golden", "evaluation", "support", "typed"),
}


def folders():
    found = {it.stem for it in PACKAGE.iterdir() if it.is_dir() or it.suffix == ".py"}
    return found - {"__init__", "__pycache__"}


@pytest.mark.parametrize(
    "contract",
    [it for it in CONTRACTS["contracts"] if it["type"] == "forbidden"],
    ids=lambda it: it["name"],
)
def test_a_framework_is_forbidden_in_every_folder_but_one(contract):
    named = {it.removeprefix("pytest_lossguard.") for it in contract["source_modules"]}

    assert named == folders() - {FOLDER_OF[contract["forbidden_modules"][0]]}


def test_the_floors_name_every_folder():
    (floors,) = (it for it in CONTRACTS["contracts"] if it["name"] == "Imports go down")

    assert {it for floor in floors["layers"] for it in floor.split(" | ")} == folders()


def modules():
    """Each module of the package by its dotted name."""
    paths = {
        ".".join(it.relative_to(PACKAGE.parent).with_suffix("").parts): it
        for it in PACKAGE.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path for name, path in paths.items()}


def imports(name, path, known):
    """Modules that a module imports, also in functions and for annotations only."""
    folder = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = folder.split(".")
            parts = [*parts[: len(parts) + 1 - node.level], node.module or ""]
            of = ".".join(filter(None, parts))
            inside = [f"{of}.{it.name}" for it in node.names]
            yield from (it if it in known else of for it in inside)


def test_no_module_imports_itself_on_a_detour():
    """The linter compares siblings: a module and its own folder it leaves alone."""
    known = modules()
    graph = {name: {*imports(name, path, known)} for name, path in known.items()}

    assert len([*TopologicalSorter(graph).static_order()]) == len(known)


def test_there_are_no_more_than_three_loose_files_and_the_command():
    assert {it.name for it in PACKAGE.glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "api.py",
        "strategies.py",
    }


def test_the_tests_are_the_tree_of_the_package():
    tested = {it.name for it in (ROOT / "tests").iterdir() if it.is_dir()}

    assert tested - OTHERS - {"__pycache__"} <= folders()


def test_a_test_named_like_a_module_of_its_folder_stands_beside_it():
    """`tests/training/record/test_feeds.py` for `training/record/feeds.py`."""
    places = {}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        places.setdefault((place.parts[0], path.stem), set()).add(place.parent)
    astray = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.relative_to(ROOT / "tests")
        known = places.get((place.parts[0], path.stem.removeprefix("test_")))
        if known is not None and place.parent not in known:
            astray.append(place.as_posix())

    assert astray == []


#: Words that name nothing of the field, or many things; as names in code.
COINED = re.compile(r"\b(?:def|class) (\w*(?:told|telling|yardstick|whoever)\w*)")
#: A docstring, or a line of one, that leaves the reader to guess.
EMPTY = re.compile(r"(?:\"\"\"|: )(?:It|Likewise|Them|That|Those|So)\.$", re.MULTILINE)


@pytest.mark.parametrize("folder", ["pytest_lossguard", "evaluation", "docs"])
def test_words_are_those_of_the_field_in_american_spelling(folder):
    paths = [it for it in (ROOT / folder).rglob("*") if it.suffix in (".py", ".md")]
    texts = {it: it.read_text("utf-8") for it in paths if "_build" not in it.parts}
    bad = [
        f"{path.relative_to(ROOT)}: {found.group(0)}"
        for path, text in texts.items()
        for rule in (BRITISH, COINED, EMPTY)
        for found in rule.finditer(text)
    ]

    assert bad == []
