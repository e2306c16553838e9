"""Sphinx configuration of the documentation: ``nox -s docs``, without a network."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from pytest_lossguard.core.addresses import BASE, REPOSITORY

project = "pytest-lossguard"
author = "The pytest-lossguard developers"
project_copyright = author
release = importlib.metadata.version("pytest-lossguard")
language = "en"

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
extensions = ["myst_parser", "sphinx_copybutton", "accessible", "reference"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True

html_theme = "furo"
html_title = "pytest-lossguard"
html_baseurl = f"{BASE}/"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_theme_options = {
    "source_repository": f"https://github.com/{REPOSITORY}/",
    "source_branch": "main",
    "source_directory": "docs/",
}
