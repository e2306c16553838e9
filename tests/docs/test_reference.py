"""The reference has everything that is public, and every page that is named exists."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

import pytest_lossguard
from pytest_lossguard.command_line import make_parser
from pytest_lossguard.core import errors
from pytest_lossguard.core.addresses import BASE, page
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.findings import FINDING_KINDS
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.corruptions.families import FAMILIES, KEYWORDS
from pytest_lossguard.model_checks import DEFAULTS as MODEL_CHECKS
from pytest_lossguard.model_checks.policy import ModelCheckPolicy
from pytest_lossguard.plugin import hookspec
from pytest_lossguard.preprocessing import DEFAULTS as RELATIONS
from pytest_lossguard.preprocessing.policy import ContractPolicy
from pytest_lossguard.report.schema import report_schema
from tests.support.docs import DOCS, script
from tests.support.public import members

REFERENCE = script("_ext/reference")
PAGES = REFERENCE.pages()


#: What users call; the other names of `strategies` are for the plugin.
PUBLIC_STRATEGIES = ("corruptions",)


def keys_of(policy, checks):
    """The keys of a marker beside the checks that it turns on and off."""
    return [it.name for it in fields(policy) if it.name != checks]


def keys_in(schema):
    """Every key of a report that a schema names."""
    for inner in (schema, *schema["$defs"].values()):
        yield from inner["properties"]


def arguments():
    """Every command, and every argument of it as it is typed."""
    parser = make_parser()
    (commands,) = (it for it in parser._actions if isinstance(it.choices, dict))
    for name, command in commands.choices.items():
        yield name
        for it in command._actions:
            if it.dest != "help":
                yield REFERENCE._spelled(it)


def named(page):
    """What stands as code in a page."""
    return set(re.findall(r"`([^`\n]+)`", PAGES[f"reference/{page}"]))


def test_every_finding_cause_contract_and_check_has_a_page_and_is_listed():
    names = {*FINDING_KINDS, *CAUSES}

    assert {it.removeprefix("f/") for it in PAGES if it.startswith("f/")} == names
    assert names <= named("findings")
    for name in names:
        assert f"\n/f/{name}\n" in PAGES["reference/findings"]  # of the navigation


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("python", pytest_lossguard.__all__),
        ("python", [f"strategies.{it}" for it in PUBLIC_STRATEGIES]),
        ("markers", [it.name for it in fields(Policy)]),
        ("corruptions", [it.name for it in KEYWORDS]),
        ("corruptions", [it.__name__ for it in FAMILIES]),
        ("contracts", [*RELATIONS, *keys_of(ContractPolicy, "relations")]),
        ("model-checks", [*MODEL_CHECKS, *keys_of(ModelCheckPolicy, "checks")]),
        ("hooks", hookspec.__all__),
        ("json", sorted(set(keys_in(report_schema())))),
        ("command-line", sorted(set(arguments()))),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_every_name_is_on_its_page(page, names):
    assert len(names) > 0
    assert set(names) - named(page) == set()


def test_every_method_property_and_field_of_a_public_class_is_in_its_section():
    sections = {
        part.partition("\n")[0].strip("`"): part
        for part in PAGES["reference/python"].split("\n## ")[1:]
    }

    found = list(members())
    missing = [it for owner, it in found if f"`{it}`" not in sections[owner]]
    assert len(found) > 60
    assert missing == []


def test_every_error_of_the_package_that_a_user_can_meet_is_public():
    internal = {"CannotChange", "NothingToChange", "StopTraining"}
    known = {
        name
        for name, it in vars(errors).items()
        if inspect.isclass(it)
        and issubclass(it, BaseException)
        and it.__module__.startswith("pytest_lossguard")
        and not name.startswith("_")
    }

    assert known - internal == {
        it
        for it in pytest_lossguard.__all__
        if inspect.isclass(found := getattr(pytest_lossguard, it))
        and issubclass(found, BaseException)
    }


def test_every_fixture_is_on_the_page_of_markers():
    package = Path(pytest_lossguard.__file__).parent
    text = "\n".join(it.read_text(encoding="utf-8") for it in package.rglob("*.py"))
    ours = re.findall(r"^ *@pytest\.fixture.*\n *def (\w+)", text, re.MULTILINE)

    assert len(ours) >= 3
    assert {*ours, "corruption"} <= named("markers")
    assert "marked or not. [More](/reference/markers.md)" in PAGES["reference/markers"]


@pytest.mark.parametrize(
    ("page", "defaults"),
    [("preprocessing", RELATIONS), ("model-checks", MODEL_CHECKS)],
)
def test_a_how_to_lists_the_checks_with_their_defaults(page, defaults):
    text = (DOCS / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` ?(\(on\)|\(off\))? \|", text, re.MULTILINE))
    marked, usual = ("(on)", "") if page == "preprocessing" else ("", "(off)")

    assert rows == {it: marked if on else usual for it, on in defaults.items()}


def test_a_how_to_lists_the_corruptions_with_their_defaults():
    text = (DOCS / "how-to" / "hostile-data.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` ?(\(on\))? \|", text, re.MULTILINE))

    assert rows == {it.name: "(on)" if it.is_on else "" for it in KEYWORDS}


def test_every_option_and_setting_of_the_plugin_is_on_its_page(pytestconfig):
    options = pytestconfig._parser._groups
    (ours,) = (it for it in options if it.name == "lossguard")
    shown = {re.split(r"=[A-Z]|\[", it)[0] for it in named("options")}

    known = {name for it in ours.options for name in it.names()}
    settings = {it for it in pytestconfig._parser._inidict if "lossguard" in it}
    assert len(known) > 12
    assert len(settings) > 7
    assert known - {"--lossguard-update=all"} <= shown
    assert settings <= named("options")


@pytest.mark.parametrize("name", ["dead_units", "worse_than_constant", "check_causal"])
def test_a_page_has_what_the_terminal_says(name):
    text = PAGES[f"f/{name}"]

    for part in ("What is seen", "Why it matters", "What to do", "To allow it"):
        assert f"**{part}" in text
    assert f'allow="{name}"' in text
    assert f"pytest --lossguard-explain {name}" in text


def test_a_curve_is_a_picture_with_a_name_for_each_line():
    text = PAGES["f/worse_than_constant"]

    assert text.count("<polyline") == 2
    assert "loss (solid), constant (dashed)" in text


def test_every_address_in_the_package_is_a_page():
    package = Path(pytest_lossguard.__file__).parent
    text = "\n".join(it.read_text(encoding="utf-8") for it in package.rglob("*.py"))
    literal = re.findall(rf"{BASE}/([\w/-]+)/", text)
    made = re.findall(r"page\(\"([\w/-]+)\"\)|    \"(reference/[\w-]+)\",", text)

    paths = {*literal, *(one or other for one, other in made)}
    assert len(paths) >= 5
    assert [it for it in paths if it not in PAGES and not (DOCS / it).exists()] == []


def test_the_schema_stands_where_it_says(tmp_path):
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"))

    REFERENCE._publish(app, None)

    (file,) = tmp_path.iterdir()
    assert page(file.name) == f"{json.loads(file.read_text())['$id']}/"
    assert f"]({BASE}/{file.name})" in PAGES["reference/json"]
