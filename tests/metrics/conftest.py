"""Fixtures of the tests of reports."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.metrics.report_pages import losing, page
from tests.required import absent

__all__ = ["browser", "chromium", "losing", "page"]


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        message = "chromium is not on the PATH; install: apt-get install chromium"
        absent(message)
    return found


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Browser:
    return Browser(chromium, tmp_path)
