"""A picture or table of the report, with its heading."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from charts.svg import element


@dataclass(frozen=True, slots=True)
class Card:
    """A picture or table with its heading.

    Attributes:
        title: Heading.
        content: Picture or table.
        words: A sentence on how to read it.
        details: The numbers behind the picture, folded away.
        wide: Whether it takes the whole width.
    """

    title: str
    content: Markup
    words: str = ""
    details: Markup | None = None
    wide: bool = False

    def html(self) -> Markup:
        """Return the card as HTML."""
        parts = [element("h3", self.title)]
        if self.words:
            parts.append(element("p", self.words))
        parts.append(element("div", self.content, class_="scroll"))
        if self.details is not None:
            parts.append(element("details", element("summary", "Numbers"), self.details))
        return element("section", *parts, class_="card wide" if self.wide else "card")
