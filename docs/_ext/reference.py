"""Generates the reference pages from the code, before Sphinx reads the pages.

`pages` returns each page as MyST text; the pages are not kept in the repository. The
key of a page is the path where it is published: ``f/NAME`` explains a finding, cause,
contract or check.
"""

from __future__ import annotations

import argparse
import html
import inspect
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, is_typeddict

import pytest_lossguard
from pytest_lossguard import plugin, strategies
from pytest_lossguard.command_line import make_parser
from pytest_lossguard.core.addresses import BASE
from pytest_lossguard.core.explanation import Curve
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.corruptions.families import FAMILIES, KEYWORDS
from pytest_lossguard.explanations import Role, Topic, topics
from pytest_lossguard.model_checks.policy import ModelCheckPolicy
from pytest_lossguard.plugin import hookspec
from pytest_lossguard.plugin.contracts import Contracts
from pytest_lossguard.plugin.model_checks import ModelChecks
from pytest_lossguard.plugin.options import add_options
from pytest_lossguard.preprocessing.policy import ContractPolicy
from pytest_lossguard.report import entry
from pytest_lossguard.report.schema import ADDRESS, schema_text

__all__ = ["pages", "setup"]

_ROLES: dict[Role, str] = {
    "finding": "Findings",
    "cause": "Causes",
    "contract": "Contracts",
    "model check": "Model checks",
}
_WITH_ARTICLE = {
    "finding": "a finding",
    "cause": "a cause",
    "contract": "a contract",
    "model check": "a model check",
}
#: For each kind of check, its marker and the class made from the marker's keywords.
_MARKS: dict[Role, tuple[str, Any]] = {
    "contract": ("contracts", ContractPolicy),
    "model check": ("model_checks", ModelCheckPolicy),
}
_OF_ALL_CHECKS = ("unused", "allow", "strict")
#: Size of a picture in pixels.
_WIDTH, _HEIGHT = 480, 120
_AXES = (
    f'<path d="M5 0 V{_HEIGHT - 1} H{_WIDTH}" fill="none" stroke="currentColor"'
    ' stroke-opacity="0.35"/>'
)
#: Sections of a docstring that list names.
_OF_ITEMS = ("Args", "Attributes", "Raises")
#: Most characters of a signature on one line.
_LONGEST = 76
#: Classes that users instantiate; of the others they only receive instances.
_MADE_BY_USERS = ("Corruption", "Policy")
#: Curves whose values span more than this factor are drawn on a logarithmic scale.
_LOGARITHMIC = 50.0


@cache
def pages() -> dict[str, str]:
    """Return the text of each page, by its path without an extension."""
    found = {f"f/{name}": _explained(name) for name in _names(topics())}
    return found | {
        "reference/findings": _findings(),
        "reference/markers": _markers(),
        "reference/options": _options(),
        "reference/command-line": _command_line(),
        "reference/corruptions": _corruptions(),
        "reference/contracts": _checks("contract"),
        "reference/model-checks": _checks("model check"),
        "reference/hooks": _hooks(),
        "reference/json": _json(),
        "reference/python": _python(),
    }


def _names(found: Iterable[Topic]) -> list[str]:
    return list(dict.fromkeys(it.name for it in found))


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(it for it in parts if it)]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: object) -> str:
    return f"`{text}`"


def _link(name: str) -> str:
    return f"[`{name}`](/f/{name}.md)"


# One page for each name


def _explained(name: str) -> str:
    mine = [it for it in topics() if it.name == name]
    parts = [part for it in mine for part in _topic(it, alone=len(mine) == 1)]
    offline = f"The same in a terminal: `pytest --lossguard-explain {name}`."
    return _page(_code(name), *parts, offline)


def _topic(topic: Topic, alone: bool) -> Iterator[str]:
    it = topic.explanation
    role = _WITH_ARTICLE[topic.role]
    if alone:
        yield f"**{_capital(it.brief)}** ({role}{_severity(topic)})."
    else:
        yield f"## As {role}: {it.brief}"
        if topic.role == "finding":
            yield f"Reported as{_severity(topic)[1:]}."
    yield f"**What is seen.** {_plain(it.seen)}"
    yield f"**Why it matters.** {_plain(it.why)}"
    if it.curves:
        yield _picture(it.curves)
    if it.limits:
        rows = ((_plain(x.sentence), _plain(x.set_by)) for x in it.limits)
        yield _table(("Limit", "What set it"), rows)
    if it.no_limit:
        head = "Proof" if topic.role == "cause" else "Limit"
        yield f"**{head}.** {_plain(it.no_limit)}"
    yield f"**What to do.** {' '.join(map(_plain, topic.todo))}"
    if topic.related:
        head = "Seen as" if topic.role == "cause" else "Points to the causes"
        yield f"**{head}** {', '.join(map(_link, topic.related))}."
    if topic.switch:
        head = "To turn it on" if topic.switch.endswith("True)") else "To turn it off"
        yield f"**{head}:**\n\n```python\n{topic.switch}\n```"
    if topic.allow:
        yield f"**To allow it:**\n\n```python\n{topic.allow}\n```"


def _severity(topic: Topic) -> str:
    if topic.role != "finding":
        return ""
    if topic.severity == "error":
        return ", an error: it fails the test"
    return ", a warning: it fails the test only under `strict=True`"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _plain(text: str) -> str:
    """Escape Markdown characters in a sentence."""
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


def _picture(curves: Sequence[Curve]) -> str:
    """Return a figure of curves on one scale, as inline SVG."""
    values = [it for curve in curves for it in curve.values if math.isfinite(it)]
    low, high = min(values), max(values)
    logarithmic = 0 < low < high / _LOGARITHMIC
    if not logarithmic:
        low = min(low, 0.0)
    names = " and ".join(it.name for it in curves)
    lines = "".join(
        _line(curve, low, high, logarithmic, "" if not index else "6 4")
        for index, curve in enumerate(curves)
    )
    styles = ("solid", "dashed")
    told = ", ".join(
        f"{curve.name} ({style})" if len(curves) > 1 else curve.name
        for curve, style in zip(curves, styles, strict=False)
    )
    scale = ", logarithmic" if logarithmic else ""
    return (
        "```{raw} html\n"
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img"'
        f' aria-label="A typical curve: {html.escape(names)}">{_AXES}{lines}</svg>'
        f"<figcaption>A typical curve over the steps: {html.escape(told)}{scale}."
        "</figcaption></figure>\n```"
    )


def _line(curve: Curve, low: float, high: float, logarithmic: bool, dashes: str) -> str:
    def height(value: float) -> float:
        if logarithmic:
            share = math.log(value / low) / math.log(high / low)
        else:
            share = (value - low) / ((high - low) or 1.0)
        return (_HEIGHT - 10) * (1 - share) + 5

    step = (_WIDTH - 20) / max(1, len(curve.values) - 1)
    points, marks = [], []
    for index, value in enumerate(curve.values):
        x = 10 + index * step
        if math.isfinite(value):
            points.append(f"{x:.1f},{height(value):.1f}")
        else:
            marks.append(
                f'<text x="{min(x, _WIDTH - 4.0):.1f}" y="20" text-anchor="end"'
                ' fill="currentColor">NaN</text>'
            )
    return (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="currentColor"'
        f' stroke-width="2" stroke-dasharray="{dashes}"/>{"".join(marks[:1])}'
    )


# The lists


def _findings() -> str:
    parts = []
    for role, title in _ROLES.items():
        mine = [it for it in topics() if it.role == role]
        firsts = {it.name: it for it in reversed(mine)}
        rows = [
            (_link(it), _plain(firsts[it].explanation.brief)) for it in _names(mine)
        ]
        parts.append(f"## {title}\n\n{_table(('name', 'what it is'), rows)}")
    tree = "\n".join(f"/f/{it}" for it in _names(topics()))
    parts.append(f"```{{toctree}}\n:hidden:\n\n{tree}\n```")
    return _page(
        "Findings and causes",
        "Every message leads here: a finding is what was seen in a training, a cause"
        " is why it failed. A contract and a model check are findings too.",
        *parts,
    )


def _markers() -> str:
    told = _attributes(Policy)
    rows = (
        (_code(it.name), told[it.name], _code(repr(it.default)))
        for it in fields(Policy)
    )
    return _page(
        "Markers",
        "`@pytest.mark.converges` needs no arguments. It marks a test, a class or a"
        " module; the closest one wins key by key. `lossguard_policy` in the ini file"
        " sets the keys that no marker sets.",
        "## `@pytest.mark.converges`",
        _table(("key", "meaning", "default"), rows),
        "## `@pytest.mark.corruptions`",
        "Its keywords are those of [corruptions](corruptions.md).",
        "## `@pytest.mark.contracts`",
        "Its keys are the [contracts](contracts.md), `unused`, `allow` and `strict`.",
        "## `@pytest.mark.model_checks`",
        "Its keys are the [model checks](model-checks.md), `allow` and `strict`.",
        "## Fixtures and arguments",
        _table(("name", "what it does"), _fixtures()),
    )


def _fixtures() -> Iterator[tuple[str, str]]:
    """Yield the fixtures that a test may request, which ``pytest --fixtures`` also
    shows.
    """
    for name, owner in (
        ("lossguard", plugin),
        ("contract", Contracts),
        ("model_check", ModelChecks),
    ):
        told, _, address = _summary(getattr(owner, name)).partition(f"{BASE}/")
        path = address.partition("/ says")[0]
        yield _code(name), f"{told.strip()} [More](/{path}.md)"
    yield (
        "`corruption`",
        "One change of the data, to be called with them: x, y = corruption(x, y)."
        " [More](/reference/corruptions.md)",
    )


class _Recorder:
    """Records options; has the interface of pytest's parser."""

    def __init__(self) -> None:
        self.options: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.settings: list[tuple[str, str, str]] = []

    def getgroup(self, *_: str) -> _Recorder:
        return self

    def addoption(self, *names: str, **how: Any) -> None:
        self.options.append((names, how))

    def addini(self, name: str, help: str, type: str = "string") -> None:  # noqa: A002
        self.settings.append((name, help, type))


def _options() -> str:
    taken = _Recorder()
    add_options(taken)  # type: ignore[arg-type]
    options = [
        (_code(_option(names[0], how)), _with_options(how["help"]))
        for names, how in taken.options
        if not str(how["help"]).startswith("==")  # hidden
    ]
    settings = [
        (_code(name), kind, _with_options(text)) for name, text, kind in taken.settings
    ]
    return _page(
        "Options and settings",
        "## On the command line",
        _table(("option", "meaning"), options),
        "## In `pyproject.toml`, `pytest.ini` or `tox.ini`",
        _table(("setting", "type", "meaning"), settings),
    )


def _command_line() -> str:
    parser = make_parser()
    (commands,) = (it for it in parser._actions if isinstance(it.choices, dict))  # noqa: SLF001
    parts = []
    for name, command in commands.choices.items():
        taken = (it for it in command._actions if it.dest != "help")  # noqa: SLF001
        rows = [(_code(_spelled(it)), _with_options(it.help or "")) for it in taken]
        parts += [
            f"## `{name}`",
            f"```sh\n{_usage(command)}\n```",
            _with_options(command.description or ""),
            _table(("argument", "meaning"), rows) if rows else "",
        ]
    exits = "The exit code is 0, 1 where a command says so, or 2 for wrong use."
    about = _with_options(parser.description or "")
    return _page("Command line", f"{about} {exits}", *parts)


def _usage(command: argparse.ArgumentParser) -> str:
    text = command.format_usage().removeprefix("usage: ").replace("[-h] ", "")
    return " ".join(text.replace("[-h]", "").split())


def _spelled(argument: argparse.Action) -> str:
    """Return an argument as it is typed: its long name with its value."""
    if not argument.option_strings:
        return str(argument.metavar)
    choices = ",".join(map(str, argument.choices or ()))
    taken = f"{{{choices}}}" if choices else argument.metavar or argument.dest.upper()
    return f"{argument.option_strings[-1]} {taken}"


def _with_options(text: str) -> str:
    """Format the options in a sentence as code."""
    return re.sub(r"(--[\w-]+)", r"`\1`", _plain(text))


def _option(name: str, how: dict[str, Any]) -> str:
    value = how.get("metavar")
    if value is None:
        return name
    return f"{name}[={value}]" if how.get("nargs") == "?" else f"{name}={value}"


def _corruptions() -> str:
    rows = (
        (
            _code(it.name),
            "on" if it.is_on else "off",
            _code(it.default) if it.default is not True else "",
            _summaries(it.name),
        )
        for it in KEYWORDS
    )
    families = (
        (_code(it.__name__), _summary(it), _listed(_attributes(it))) for it in FAMILIES
    )
    return _page(
        "Corruptions",
        "Keywords of `@pytest.mark.corruptions` and of `strategies.corruptions`. Each"
        " is `False`, `True` or its bounds; `features` says how many features there"
        " are, or which may be hit alone.",
        _table(("keyword", "by default", "`True` means", "what happens"), rows),
        "## Families",
        "A corruption prints as what makes it, of values in"
        " `pytest_lossguard.corruptions`.",
        _table(("family", "what it does", "values"), families),
    )


def _summaries(keyword: str) -> str:
    """Return the summaries of the corruption families of a keyword."""
    return " ".join(_summary(it) for it in FAMILIES if it.keyword == keyword)


def _checks(role: Role) -> str:
    rows = []
    for it in topics():
        if it.role == role:
            key = it.name.partition("_")[2]
            is_on = it.switch.endswith("False)")
            rows.append(
                (
                    _code(key),
                    "on" if is_on else "off",
                    _plain(it.explanation.brief),
                    _link(it.name),
                )
            )
    mark, policy = _MARKS[role]
    told = _attributes(policy)
    others = [
        (_code(it.name), told[it.name], _code(repr(it.default)))
        for it in fields(policy)
        if it.name in _OF_ALL_CHECKS
    ]
    return _page(
        _ROLES[role],
        f"Keys of `@pytest.mark.{mark}`. Each that is on and applies is a test of its"
        " own.",
        _table(("key", "by default", "what must hold", "explained"), rows),
        "## Further keys",
        _table(("key", "meaning", "default"), others),
    )


def _hooks() -> str:
    parts = []
    for name in hookspec.__all__:
        hook = getattr(hookspec, name)
        parts += [
            f"## `{name}`",
            _signature(name, hook),
            _rst(inspect.getdoc(hook) or ""),
        ]
    return _page("Hooks", "For a `conftest.py` or a plugin.", *parts)


def _json() -> str:
    known = [it for it in vars(entry).values() if is_typeddict(it)][::-1]
    names = {it.__name__ for it in known}
    parts = []
    for it in known:
        rows = [
            (_code(key), _types(kind, names))
            for key, kind in it.__annotations__.items()
        ]
        parts += [
            f"## {it.__name__}",
            _rst(inspect.getdoc(it) or ""),
            _table(("key", "type"), rows),
        ]
    return _page(
        "JSON report",
        "`--lossguard-json=PATH` writes one object, a [ReportEntry](#reportentry). NaN"
        ' and infinities are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`. Its'
        f" [JSON schema]({ADDRESS}) checks it; keys may be added, none is renamed.",
        *parts,
    )


def _types(kind: Any, names: set[str]) -> str:
    """Format a type as in the code, with links to the objects in it."""
    text = getattr(kind, "__forward_arg__", None) or getattr(kind, "__name__", kind)
    linked = sorted(it for it in names if re.search(rf"\b{it}\b", str(text)))
    links = ", ".join(f"[{it}](#{it.lower()})" for it in linked)
    return f"{_code(text)} ({links})" if links else _code(text)


def _python() -> str:
    parts = []
    for name in sorted(pytest_lossguard.__all__):
        value = getattr(pytest_lossguard, name)
        parts.append(f"## `{name}`")
        if isinstance(value, str):
            parts.append("The version of the installed distribution.")
            continue
        if not inspect.isclass(value) or name in _MADE_BY_USERS:
            parts.append(_signature(name, value))
        parts += [_rst(inspect.getdoc(value) or ""), *_members(value)]
    made = strategies.corruptions
    parts += ["## `strategies.corruptions`", _signature("corruptions", made)]
    parts.append(_rst(inspect.getdoc(made) or ""))
    return _page("Python", "What `import pytest_lossguard` gives.", *parts)


def _members(value: Any) -> Iterator[str]:
    """Yield the public methods and properties of a class; none for an exception."""
    if not inspect.isclass(value) or issubclass(value, Exception):
        return
    for name, member in vars(value).items():
        told = inspect.getdoc(member)
        if name == "__call__":
            yield _signature(f"{value.__name__.lower()}", member)
            yield _rst(told or "")
        elif name.startswith("_") or not told:
            continue
        elif isinstance(member, property):
            yield f"### `{value.__name__}.{name}`\n\n{_rst(told)}"
        elif callable(member) or isinstance(member, classmethod):
            yield f"### `{value.__name__}.{name}()`"
            yield _signature(name, getattr(value, name))
            yield _rst(told)


def _signature(name: str, value: Any) -> str:
    """Format a signature, with one argument per line if it is long."""
    found = inspect.signature(value)
    taken = [
        it.replace(annotation=_Plain(it.annotation))
        if it.annotation is not it.empty
        else it
        for it in found.parameters.values()
        if it.name != "self"
    ]
    given = found.return_annotation
    end = "" if given is found.empty else f" -> {given}"
    shown = f"{name}{inspect.Signature(taken)}{end}"
    if len(shown) > _LONGEST:
        kinds = [it.kind for it in taken]
        lines = [f"    {it},\n" for it in taken]
        only = inspect.Parameter.KEYWORD_ONLY
        if only in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
            lines.insert(kinds.index(only), "    *,\n")
        shown = f"{name}(\n{''.join(lines)}){end}"
    return f"```python\n{shown}\n```"


class _Plain:
    """An annotation whose ``repr`` has no quotes."""

    def __init__(self, annotation: Any) -> None:
        self._text = str(annotation)

    def __repr__(self) -> str:
        return self._text


def _summary(value: Any) -> str:
    return _rst((inspect.getdoc(value) or "").partition("\n\n")[0])


def _attributes(cls: type) -> dict[str, str]:
    """Return the attributes that a docstring lists, with their descriptions."""
    _, _, text = _rst(inspect.getdoc(cls) or "").partition("**Attributes**\n\n")
    found = re.findall(r"^- (`.*?`): (.*)$", text.partition("\n\n")[0], re.MULTILINE)
    return {name: told for names, told in found for name in re.findall(r"\w+", names)}


def _listed(attributes: dict[str, str]) -> str:
    return " ".join(f"`{name}`: {told}" for name, told in attributes.items())


def _rst(text: str) -> str:
    """Convert a docstring to Markdown: code in single backticks, sections in bold."""
    first, *rest = re.split(r"^(\w+):\n(?=    )", text.replace("``", "`"), flags=re.M)
    parts = [first.strip()]
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        told = textwrap.dedent(body).strip()
        parts += [f"**{name}**", _items(told) if name in _OF_ITEMS else told]
    return "\n\n".join(parts)


def _items(text: str) -> str:
    """Format a section of names with descriptions as a list."""
    found = re.findall(r"^(\S[^:\n]*): (.*(?:\n+ +.*)*)", text, re.MULTILINE)
    return "\n".join(
        f"- {', '.join(map(_code, names.split(', ')))}: {' '.join(told.split())}"
        for names, told in found
    )


def _write(app: Any) -> None:
    """Write the pages that have changed to the source folder of Sphinx."""
    for path, text in pages().items():
        file = Path(app.srcdir, f"{path}.md")
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def _without_source(
    _: Any, name: str, __: str, context: dict[str, Any], ___: Any
) -> None:
    """Hide the source link of generated pages, which are not in the repository."""
    if name in pages():
        context["page_source_suffix"] = ""


def _publish(app: Any, error: Exception | None) -> None:
    """Write the schema of the JSON report to its published address."""
    if error is None and app.builder.format == "html":
        file = Path(app.outdir, PurePosixPath(ADDRESS).name)
        file.write_text(schema_text(), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Set up the extension; called by Sphinx."""
    app.connect("builder-inited", _write)
    app.connect("html-page-context", _without_source)
    app.connect("build-finished", _publish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
