"""Report pages in a real browser: no network, fit for a phone, readable without seeing the figures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rekindle.cli._main import run
from rekindle.report import STANDING_NOTICE, STATE_NOTICE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

COURSE = ["simulate", "esketamine 84 mg nasal, weekly x 2", "--population", "20", "--seed", "2"]
REPLAY = ["replay", "nimh_crossover", "--replicates", "2"]
WIDTHS = {"desktop": 1100, "phone": 390}
TRIAL = ["trial", "saline_crossover", "--people", "8", "--replicates", "2", "--uncertainty"]
FIGURES = {"course": 5, "replay": 6, "trial": 4}
#: Pages that show states of the model.
WITH_STATES = ("course", "replay")

Opened = Callable[[str, str], "Page"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in FIGURES}
    for name, command in (("course", COURSE), ("replay", REPLAY), ("trial", TRIAL)):
        assert run([*command, "--workers", "1", "--out", str(folders[name])]) == 0
    return {name: folder / "report.html" for name, folder in folders.items()}


@pytest.fixture
def opened(chromium: Browser, reports: dict[str, Path]) -> Iterator[Opened]:
    """Open a report at a width; whatever it asks the network for, or complains about, fails the test."""
    pages: list[Page] = []
    trouble: list[str] = []

    def open_page(report: str, width: str) -> Page:
        page = chromium.new_page(viewport={"width": WIDTHS[width], "height": 900})
        pages.append(page)
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if is_elsewhere(request.url) else None)
        page.goto(reports[report].as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not trouble


def is_elsewhere(url: str) -> bool:
    return not url.startswith(("file:", "data:"))


def values(page: Page, selector: str, script: str) -> list[Any]:
    found: list[Any] = page.eval_on_selector_all(selector, f"nodes => nodes.map(node => {script})")
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("report", FIGURES)
def test_a_page_fits_its_window(opened: Opened, report: str, width: str) -> None:
    page = opened(report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
    beyond = values(
        page,
        "h1, h2, h3, p, figcaption, dd, .scroll",
        "[node.tagName, node.getBoundingClientRect().right]",
    )
    assert beyond
    assert not [node for node in beyond if node[1] > WIDTHS[width] + 0.5]


@pytest.mark.parametrize("report", FIGURES)
def test_every_figure_is_there_and_readable(opened: Opened, report: str) -> None:
    page = opened(report, "phone")
    shown = values(page, "img", "[node.naturalWidth, node.getBoundingClientRect().width, node.alt]")
    assert len(shown) == FIGURES[report]
    for natural, drawn, words in shown:
        assert natural > 0
        assert drawn >= 550, "smaller text than this cannot be read; the figure scrolls instead"
        assert len(words) > 40


@pytest.mark.parametrize("report", WITH_STATES)
def test_states_stand_under_their_heading(opened: Opened, report: str) -> None:
    page = opened(report, "desktop")
    headings = values(page, "h1, h2, h3", "[Number(node.tagName[1]), node.textContent]")
    levels = [level for level, _ in headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert [3, STATE_NOTICE] in headings
    states = page.locator(".state")
    assert "receptor block" in (states.locator("img").first.get_attribute("alt") or "").lower()
    outside = values(page, "figure", "node.closest('.state') ? '' : node.querySelector('img').alt")
    assert not [words for words in outside if "block" in words or "synapses" in words]


@pytest.mark.parametrize("report", FIGURES)
def test_a_page_can_be_used_from_the_keyboard_and_by_a_reader(opened: Opened, report: str) -> None:
    page = opened(report, "desktop")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("note").filter(has_text=STANDING_NOTICE).count() == 2
    tables = values(
        page, "table", "[node.caption.textContent, node.querySelectorAll('thead th[scope=col]').length]"
    )
    assert tables
    assert all(caption and columns > 1 for caption, columns in tables)
    links = values(page, "nav a", "document.getElementById(node.hash.slice(1)) !== null")
    assert links
    assert all(links)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "A"
    assert values(page, "a:focus-visible", "getComputedStyle(node).outlineStyle") == ["solid"]


def test_text_is_dark_enough(opened: Opened) -> None:
    page = opened("course", "desktop")
    colours = values(page, "p, td, th, dt, dd, figcaption, caption, a", "getComputedStyle(node).color")
    numbers = {tuple(int(part) for part in colour[4:-1].split(",")) for colour in colours}
    assert numbers
    assert all(max(colour) <= 0xA0 and sum(colour) <= 3 * 0x60 for colour in numbers)


def test_a_page_prints_without_cutting_figures(opened: Opened) -> None:
    page = opened("course", "desktop")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})
    assert max(values(page, "img", "node.getBoundingClientRect().right")) <= 720
    assert values(page, "nav", "getComputedStyle(node).display") == ["none"]
