"""The names that a user imports: there, light, and known to type checkers.

Whether a type checker takes them rightly is seen in ``nox -s types``, on `tests/typed`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import pytest_lossguard
from pytest_lossguard import corruptions
from tests.support.public import members

PACKAGE = Path(pytest_lossguard.__file__)
TYPED = Path(__file__).parent / "typed"
SUITE, MEMBERS = TYPED / "suite.py", TYPED / "members.py"


def names_for_type_checkers():
    """What stands under ``if TYPE_CHECKING`` of the package."""
    found = set()
    for node in ast.parse(PACKAGE.read_text("utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for it in ast.walk(node):
                if isinstance(it, ast.ImportFrom) and it.level:
                    found |= {name.name for name in it.names}
                elif isinstance(it, ast.AnnAssign):
                    found.add(it.target.id)
    return found


def test_a_type_checker_and_the_run_know_the_same_names():
    lazy = names_for_type_checkers()

    assert lazy == set(pytest_lossguard._LAZY) | {"__version__"}
    assert lazy <= set(pytest_lossguard.__all__) <= set(dir(pytest_lossguard))


@pytest.mark.parametrize("name", pytest_lossguard.__all__)
def test_each_public_name_is_there(name):
    assert getattr(pytest_lossguard, name) is not None


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'diagnoze'"):
        pytest_lossguard.diagnoze  # noqa: B018


def test_the_version_is_that_of_the_project():
    file = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(file.read_text("utf-8"))["project"]

    assert pytest_lossguard.__version__ == project["version"]


def test_the_package_imports_nothing_heavy():
    heavy = ("numpy", "pytest", "hypothesis", "tensorflow")
    program = (
        "import sys, pytest_lossguard\n"
        f"print([it for it in {heavy} if it in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    made = subprocess.run(command, capture_output=True, text=True, check=True)

    assert made.stdout.strip() == "[]"


def names_in(*files):
    """Every name and attribute that is used in files."""
    nodes = [
        it for file in files for it in ast.walk(ast.parse(file.read_text("utf-8")))
    ]
    used = {it.id for it in nodes if isinstance(it, ast.Name)}
    return used | {it.attr for it in nodes if isinstance(it, ast.Attribute)}


def test_the_suite_for_type_checkers_takes_every_public_name():
    assert set(pytest_lossguard.__all__) - names_in(SUITE) == set()
    families = {*corruptions.__all__} - {"FAMILIES"}
    assert families - names_in(MEMBERS) == set()
    assert "corruptions" in names_in(SUITE)  # of strategies


def test_type_checkers_see_every_member_of_a_public_class():
    found = list(members())
    used = names_in(SUITE, MEMBERS)
    missing = {
        f"{owner}.{it}"
        for owner, member in found
        if (it := member.rpartition(".")[2].removesuffix("()")) not in used
    }

    assert len(found) > 100
    assert missing == set()


def test_fixtures_and_arguments_are_of_the_public_types(pytester):
    pytester.makepyfile(
        """
import pytest
from pytest_lossguard import Contract, Corruption, Lossguard, ModelCheck

def test_handle(lossguard):
    assert type(lossguard) is Lossguard

@pytest.mark.contracts(alone=True)
def test_contract(contract):
    assert type(contract) is Contract
    pytest.skip("seen")

@pytest.mark.model_checks
def test_model(model_check):
    assert type(model_check) is ModelCheck
    pytest.skip("seen")
"""
    )

    outcomes = pytester.runpytest("-q", "-p", "no:randomly").parseoutcomes()

    assert outcomes["passed"] == 1
    assert outcomes["skipped"] > 2
    assert "failed" not in outcomes
    assert "errors" not in outcomes
