"""The page: a single file that loads nothing from the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...core.addresses import address_of
from ...core.files import write_whole
from ..entry import Entry
from ..session_facts import SessionFacts
from .context import page_context

#: Most tests whose rows are in the page when it opens; the page makes the other rows
#: on demand.
MOST_ROWS = 200


def write_html(
    path: Path,
    tests: list[Entry],
    session: SessionFacts,
    others: Mapping[str, str] | None = None,
) -> None:
    """Write the page completely or not at all.

    Args:
        path: Path of the page; missing folders are made.
        tests: Entries of the tests; see `page_context`.
        session: Facts about the session.
        others: Outcomes of the marked tests without an entry; see `write_json`.
    """
    write_whole(path, rendered("page.html", page_context(tests, session, others)))


def rendered(template: str, context: dict[str, Any]) -> str:
    """Return a page as text; the same context gives the same text.

    Args:
        template: Name of a template in this folder that extends ``base.html``.
        context: Data of the page; text that is not markup of the template is escaped.

    Raises:
        ModuleNotFoundError: Jinja2 is not installed.
    """
    import jinja2

    markup = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Jinja escapes <, >, & and ' in JSON, so that no text of the user can end the
    # script that contains it.
    markup.policies["json.dumps_kwargs"] = {
        "sort_keys": True,
        "allow_nan": False,
        "separators": (",", ":"),
    }
    markup.globals["address_of"] = address_of
    library = _text("uplot/uPlot.iife.min.js")
    own = [_text("figures.js"), _text("page.js")]
    script = "\n".join([library, *own])
    return markup.get_template(template).render(
        context,
        most_rows=MOST_ROWS,
        style=_text("uplot/uPlot.min.css") + _text("page.css"),
        script=script,
        allowed=f"'{_digest(script)}'",
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """Return the digest of a script in the form of a content security policy."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
