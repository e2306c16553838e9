"""The page: one file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...core.addresses import address_of
from ...core.environment import environment
from ...core.files import write_whole
from ..entry import Entry
from .context import page_context

__all__ = ["rendered", "write_html"]


def write_html(
    path: Path,
    tests: list[Entry],
    seed: int,
    made_on: dict[str, Any] | None = None,
) -> None:
    """Write the page whole or not at all.

    Args:
        path: Where; folders above it are made.
        tests: See `page_context`.
        seed: Of the session.
        made_on: The environment that it shows; default the one at hand.
    """
    write_whole(path, rendered(page_context(tests, made_on or environment(), seed)))


def rendered(context: dict[str, Any]) -> str:
    """The page as text; the same context gives the same text.

    Raises:
        ModuleNotFoundError: Jinja2 or plotly is not installed.
    """
    import jinja2
    import plotly.offline

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
    library, own = plotly.offline.get_plotlyjs(), _text("page.js")
    return markup.get_template("page.html").render(
        context,
        style=_text("page.css"),
        script=own,
        library=library,
        allowed=" ".join(f"'{_digest(it)}'" for it in (own, library)),
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """A script's digest, as a content security policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
