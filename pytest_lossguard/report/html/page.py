"""The page: one file that asks nothing of the network."""

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

__all__ = ["MOST_ROWS", "rendered", "write_html"]

#: Tests whose rows are in the page when it opens; of the others it makes rows as they
#: are asked for.
MOST_ROWS = 200


def write_html(
    path: Path,
    tests: list[Entry],
    session: SessionFacts,
    others: Mapping[str, str] | None = None,
) -> None:
    """Write the page whole or not at all.

    Args:
        path: Where; folders above it are made.
        tests: See `page_context`.
        session: When, from what and how they ran.
        others: What came of the marked tests without an entry; see `write_json`.
    """
    write_whole(path, rendered("page.html", page_context(tests, session, others)))


def rendered(template: str, context: dict[str, Any]) -> str:
    """A page as text; the same context gives the same text.

    Args:
        template: A file beside this one, which extends ``base.html``.
        context: What it shows; what is no markup of the template's is escaped.

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
    # Jinja writes <, >, & and ' of JSON as escapes, so that no text of the user's
    # can end the script it stands in.
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
    """A script's digest, as a content security policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
