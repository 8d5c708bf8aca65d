"""The pages that people read, and what is in them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pages() -> list[Path]:
    """Every Markdown page, also of an archive without a repository; environments and caches begin with a dot."""
    found: list[Path] = []
    for folder, inner, files in os.walk(ROOT):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [Path(folder, file) for file in files if file.endswith(".md")]
    return sorted(found)


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[str]:
    """Every `nbo ...` command line a page shows, in blocks or in running text."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`((?:\.venv/bin/)?nbo [^`\n]+)`", text)
    for line in lines:
        # up to where its output goes, and without the image of that name that it may run in
        said = re.sub(r"docker run (--\w+ )*nbo ", "", re.split(r"#| \| ", line)[0].strip())
        found = re.search(r"(?:^|\s|/)nbo (--?\w.*|[a-z]+\b.*)$", said)
        if found:
            yield found[1].strip()


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
