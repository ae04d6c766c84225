"""Sphinx configuration; equations and priors are written from the model and its tables at each build."""

from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator

import rekindle
from rekindle.evidence.calibration import free_parameters
from rekindle.modelling import to_markdown
from rekindle.report import number
from rekindle.therapy import therapy_model

project = "Rekindle"
author = "The Rekindle authors"
copyright = "2026, The Rekindle authors"
release = version = rekindle.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = [
    "_build",
    # Included by other pages.
    "performance-figures.md", "performance-all-peers.md", "_generated/priors.md",
]  # fmt: skip

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = f"Rekindle {release}"
html_show_sphinx = False
html_math_renderer = "mathml"

generated = Path(__file__).parent / "_generated"
generated.mkdir(exist_ok=True)
(generated / "equations.md").write_text(to_markdown(therapy_model()), encoding="utf-8")
priors = ["| parameter | centre | 90 % of its prior | arms | source |", "|---|---|---|---|---|"]
priors += [
    f"| `{p.name}` | {number(p.centre)} | {number(p.value(-1.645))} to {number(p.value(1.645))} "
    f"| {p.acts_on.replace('_', ' ')} | {p.source} |"
    for p in free_parameters()
]
(generated / "priors.md").write_text("\n".join(priors) + "\n", encoding="utf-8")


def inline_formula(translator: SphinxTranslator, node: nodes.Element) -> None:
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def displayed_formula(translator: SphinxTranslator, node: nodes.Element) -> None:
    formula = convert(node.astext(), display="block")
    style = "overflow-x: auto; overflow-y: hidden; padding: 0.3em 0; margin: 0.7em 0"
    translator.body.append(f'<div style="{style}">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    # Formulas become MathML, which browsers show by themselves: no page loads anything from elsewhere.
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
