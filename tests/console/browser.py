"""A real Chromium, driven by Playwright.

Where tests run as root on Debian, as in containers, it is installed. Elsewhere the tests that need it are skipped where
there is none, and say how to get one; where `CI` is set they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.made_once import FOLDER, made_once
from tests.waiting import until

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "libatomic1")  # the driver's Node.js wants the second
HOW = (
    "no Chromium: apt-get install chromium libatomic1 (Debian, as root), or playwright install chromium, "
    "or name one by NBO_TEST_CHROMIUM"
)


def chromium() -> str | None:
    """Return the program, if there is one beside Python."""
    named = os.environ.get("NBO_TEST_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def install(folder: Path) -> None:
    """Install a Chromium where nobody has to be asked for it, and keep what was said in the folder."""
    if chromium() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with (folder / "apt.log").open("wb") as log:
            for words in (("update",), ("install", "--yes", "--no-install-recommends", *PACKAGES)):
                subprocess.run(
                    ["apt-get", "-qq", *words],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    check=False,
                )


LISTEN = "window.hearsKeys || addEventListener('keydown', () => { window.hearsKeys = true }, { once: true })"


@contextmanager
def started() -> Iterator[Browser]:
    """Start a browser."""
    if FOLDER in os.environ:  # in a test run, whose processes come here together
        made_once("chromium", install)
    with ExitStack() as stack:
        try:
            playwright = stack.enter_context(sync_playwright())
            arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        except Exception as error:  # a driver that cannot start raises no class of its own
            if os.environ.get("CI"):
                raise
            pytest.skip(f"{HOW} ({str(error).splitlines()[0]})")
        stack.callback(browser.close)
        yield browser


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


def press(page: Page, key: str) -> None:
    """Press a key once the page hears keys: Chromium drops what is typed while a page is being put up."""

    def hears() -> bool:
        # asked from here: what polls within the page is evaluated there, which the console's policy forbids
        page.evaluate(LISTEN)
        page.keyboard.press("Shift")  # moves nothing
        return bool(page.evaluate("window.hearsKeys"))

    until(hears)
    page.keyboard.press(key)


def save_webp(page: Page, file: Path, *, whole: bool = False) -> None:
    """Save a picture of the page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(page.screenshot(full_page=whole))).convert("RGB").save(file, quality=72, method=6)
