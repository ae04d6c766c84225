"""Pages that no report of a course makes: on a phone nothing may push the page sideways."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rekindle.cli._main import run
from rekindle.report import EvidenceReport, patient_page, write_evidence
from rekindle.trials import simulate_outlook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PHONE = 390
COMPARE = ["compare", "routes", "--people", "2", "--workers", "1", "--out"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    assert run([*COMPARE, str(folder / "routes")]) == 0
    explain = folder / "explain.html"
    outlook = simulate_outlook("ketamine 0.5 mg/kg iv over 40 min, weekly x 3", people=10)
    explain.write_text(patient_page(outlook).html, encoding="utf-8")
    rows = runpy.run_path(str(Path(__file__).parents[1] / "test_evidence_report.py"))
    write_evidence(EvidenceReport(rows["PLASMA"], rows["OUTCOMES"]), folder / "evidence")
    return {
        "compare": folder / "routes" / "report.html",
        "explain": explain,
        "evidence": next((folder / "evidence").glob("*.html")),
    }


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": PHONE, "height": 844})
    yield page
    page.close()


@pytest.mark.parametrize("kind", ["compare", "explain", "evidence"])
def test_a_phone_scrolls_only_downwards(phone: Page, pages: dict[str, Path], kind: str) -> None:
    phone.goto(pages[kind].as_uri())
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE
    beyond = phone.eval_on_selector_all(
        "h1, h2, h3, p, li, figcaption, dd, .scroll",
        "nodes => nodes.map(node => node.getBoundingClientRect().right)",
    )
    assert max(beyond) <= PHONE + 0.5
    drawn = phone.eval_on_selector_all(
        "img", "nodes => nodes.map(node => node.getBoundingClientRect().width)"
    )
    assert drawn
    assert min(drawn) >= 550, "smaller text than this cannot be read; the figure scrolls instead"
