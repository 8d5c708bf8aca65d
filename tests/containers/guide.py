"""The commands of docs/guides/deploy.md, by the heading that they stand under."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

GUIDE = ROOT / "docs" / "guides" / "deploy.md"


class Guide:
    """Gives out the page's blocks of commands, and knows which were not asked for."""

    def __init__(self) -> None:
        text = GUIDE.read_text(encoding="utf-8")
        parts = re.split(r"^##+ (.+)$", text, flags=re.MULTILINE)[1:]
        found = zip(parts[::2], parts[1::2], strict=True)
        block = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
        self._blocks = {heading: block.findall(part) for heading, part in found}

    def under(self, heading: str) -> list[str]:
        """The blocks under a heading, each of them once."""
        return self._blocks.pop(heading)

    @property
    def left(self) -> list[str]:
        """Blocks that nobody asked for."""
        return [block for blocks in self._blocks.values() for block in blocks]
