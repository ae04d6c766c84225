"""Sphinx configuration; the page of equations is written from the model itself at each build."""

from pathlib import Path

import rekindle
from rekindle.modelling import to_markdown
from rekindle.therapy import therapy_model

project = "Rekindle"
author = "The Rekindle authors"
release = version = rekindle.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = f"Rekindle {release}"
html_show_sphinx = False

generated = Path(__file__).parent / "_generated"
generated.mkdir(exist_ok=True)
(generated / "equations.md").write_text(to_markdown(therapy_model()), encoding="utf-8")
