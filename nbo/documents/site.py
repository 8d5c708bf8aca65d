"""The pages of this repository as a site: `make docs-site` puts them together here, and MkDocs renders them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbo.api

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / ".site" / "source"
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
_LINK = re.compile(r"(?:\]\(|src=\")([^)#\":\s]+)[)#\"]")


def put_together(root: Path, source: Path) -> list[Path]:
    """Copy every page, with each file that a page links to, in the layout of the repository.

    Args:
        root: The repository.
        source: Folder of the site's sources; made anew.

    Returns:
        The copied files, relative to `source`.
    """
    shutil.rmtree(source, ignore_errors=True)
    copied = [*(Path(name) for name in PAGES), *(path.relative_to(root) for path in root.glob("docs/**/*.md"))]
    linked = {target for page in copied for target in _linked(root, page)}
    files = sorted({*copied, *linked})
    for file in files:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, source / file)
    (source / "docs" / "python_api.md").write_text(_python_api(), encoding="utf-8")
    return files


def _python_api() -> str:
    """Name what is described by its docstrings; what `nbo.api` passes on is described where it is defined."""
    passed_on = [getattr(nbo.api, name) for name in nbo.api.__all__]
    names = [f"{one.__module__}.{one.__qualname__}" for one in passed_on]
    lines = [
        "# Python API",
        "## For data scientists: `nbo.api`",
        "`from nbo.api import ...` has all of these.",
        *(f"::: {name}" for name in names),
        "## For applications that call the service: `nbo_client`",
        "::: nbo_client.client",
        "::: nbo_client.messages",
    ]
    return "\n\n".join(lines) + "\n"


def _linked(root: Path, page: Path) -> Iterator[Path]:
    for target in _LINK.findall((root / page).read_text(encoding="utf-8")):
        file = (root / page.parent / target).resolve()
        if file.is_file() and file.is_relative_to(root):
            yield file.relative_to(root)


if __name__ == "__main__":
    put_together(ROOT, SOURCE)
