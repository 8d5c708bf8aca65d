from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nbo.documents.site import ROOT, put_together

WRITTEN_WITH_THE_SITE = "docs/python_api.md"


def pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav:
            yield from pages(next(iter(entry.values())))


SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
NAV = list(pages(SITE["nav"]))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "source"
    put_together(ROOT, folder)
    return folder


@pytest.mark.parametrize("page", NAV)
def test_every_page_of_the_navigation_is_there(source: Path, page: str) -> None:
    assert (source / page).is_file()


def test_every_page_but_the_records_of_decisions_is_in_the_navigation() -> None:
    written = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert {page for page in written if not page.startswith("docs/adr/")} <= set(NAV)


def test_pictures_and_files_that_pages_link_to_go_with_them(source: Path) -> None:
    assert (source / "docs" / "gain.png").read_bytes() == (ROOT / "docs" / "gain.png").read_bytes()
    assert (source / "examples" / "ask.py").is_file()


def test_the_reference_names_everything_of_the_api(source: Path) -> None:
    page = (source / WRITTEN_WITH_THE_SITE).read_text(encoding="utf-8")
    assert "::: nbo.api.bank.Bank" in page
    assert "::: decisioning.off_policy.evaluate.evaluate_policy" in page
