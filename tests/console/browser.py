"""A real Chromium, driven by Playwright; without one the tests that need it are skipped, and say how to get one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = (
    "no Chromium: apt-get install chromium (Debian, as root), or playwright install chromium, "
    "or name one by NBO_TEST_CHROMIUM"
)


def chromium() -> str | None:
    """Return the program, if there is one beside Python."""
    named = os.environ.get("NBO_TEST_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def started() -> Iterator[Browser]:
    """Start a browser; CI must have one."""
    with sync_playwright() as playwright:
        options: dict[str, Any] = {"args": ["--no-sandbox", "--disable-dev-shm-usage"]}
        program = chromium()
        try:
            browser = playwright.chromium.launch(executable_path=program, **options)
        except Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"{HOW} ({str(error).splitlines()[0]})")
        try:
            yield browser
        finally:
            browser.close()


def watch(page: Page) -> list[str]:
    """Return a list that gets what the page's console says, its errors, and what it asks of other hosts."""
    said: list[str] = []
    page.on(
        "console",
        lambda message: (
            said.append(f"{message.type}: {message.text}") if message.type in {"error", "warning"} else None
        ),
    )
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else said.append(f"asked {request.url}"))
    return said


def save_webp(page: Page, file: Path, *, whole: bool = False) -> None:
    """Save a picture of the page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(page.screenshot(full_page=whole))).convert("RGB").save(file, quality=72, method=6)
