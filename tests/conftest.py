"""What all tests share: repeatable property tests, and a browser whose absence fails loudly in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Chromium refuses to sandbox a root user, and must not look for updates while a test runs.
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Path of an installed Chromium; without one the test fails in CI and is skipped elsewhere."""
    candidates = [os.environ.get("REKINDLE_CHROMIUM", ""), *CHROMIUM_NAMES]
    found = next((path for name in candidates if name and (path := shutil.which(name))), None)
    if found is not None:
        return Path(found)
    reason = "no Chromium found: install Debian's chromium package or set REKINDLE_CHROMIUM to a program"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium(chromium_path: Path) -> Iterator[Browser]:
    """A headless browser, started once for each test process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(CHROMIUM_OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty browser page, closed after the test."""
    page = chromium.new_page()
    yield page
    page.close()
