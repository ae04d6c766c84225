"""One self-contained HTML file: figures and tables inside it, nothing fetched from anywhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekindle.report._extras import require_extra
from rekindle.report._saving import figure_bytes
from rekindle.report._style import STATE_NOTICE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Stands on every page.
STANDING_NOTICE = "For clinicians and researchers. Never a guide to dosing oneself."


@dataclass(frozen=True)
class PageFigure:
    """A figure with the words that replace it for people who cannot see it."""

    figure: Figure
    alternative: str
    caption: str

    @cached_property
    def svg(self) -> bytes:
        """The figure as SVG."""
        return figure_bytes(self.figure, "svg")

    @property
    def source(self) -> str:
        """The figure as a data URI."""
        return "data:image/svg+xml;base64," + b64encode(self.svg).decode("ascii")

    def save(self, stem: Path) -> tuple[Path, Path]:
        """Write ``stem.png`` and ``stem.svg``; return their paths."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        paths = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".svg")
        for path, content in zip(paths, (figure_bytes(self.figure, "png"), self.svg), strict=True):
            path.write_bytes(content)
        return paths


@dataclass(frozen=True)
class PageTable:
    """A table of texts; the first column names the rows."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of a page. ``state`` heads its figures and tables with "model state, not measured"."""

    heading: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[PageFigure] = ()
    tables: Sequence[PageTable] = ()
    state: bool = False

    @property
    def anchor(self) -> str:
        """Name of the section in links inside the page."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.heading.lower())


@dataclass(frozen=True)
class Page:
    """What a report says: a title, a summary in plain words, and sections."""

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]
    facts: Sequence[tuple[str, str]] = field(default=())


def render_page(page: Page) -> str:
    """The page as one HTML text; the same page gives the same text.

    Raises:
        OutputError: the extra ``report`` is not installed.

    >>> "Never a guide to dosing oneself" in render_page(Page("A", ["b"], []))
    True
    """
    text: str = _template().render(page=page, notice=STANDING_NOTICE, state_notice=STATE_NOTICE)
    return text


@cache
def _template() -> Any:
    require_extra("report")
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((files("rekindle.report") / "page.html.j2").read_text("utf-8"))
