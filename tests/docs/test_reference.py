"""The reference has everything that is public, and every page that is named exists."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from types import SimpleNamespace

import pytest

import pytest_lossguard
from pytest_lossguard.core.addresses import BASE, page
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.findings import FINDING_KINDS
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.corruptions.families import FAMILIES, KEYWORDS
from pytest_lossguard.model_checks import DEFAULTS as MODEL_CHECKS
from pytest_lossguard.plugin import hookspec
from pytest_lossguard.preprocessing import DEFAULTS as RELATIONS
from pytest_lossguard.report.entry import Entry, FindingEntry, ReportEntry, RunEntry
from tests.support.docs import DOCS, ROOT, script

REFERENCE = script("_ext/reference")
PAGES = REFERENCE.pages()


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
        ("markers", [it.name for it in fields(Policy)]),
        ("corruptions", [it.name for it in KEYWORDS]),
        ("corruptions", [it.__name__ for it in FAMILIES]),
        ("contracts", RELATIONS),
        ("model-checks", MODEL_CHECKS),
        ("hooks", hookspec.__all__),
        ("json", [*ReportEntry.__annotations__, *Entry.__annotations__]),
        ("json", RunEntry.__annotations__),
        ("json", FindingEntry.__annotations__),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_every_name_is_on_its_page(page, names):
    assert set(names) <= named(page)


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
    package = ROOT / "pytest_lossguard"
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
