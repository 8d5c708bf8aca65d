"""Tables in HTML: numbers to the right, and cells shaded by their value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from charts.svg import element

HIDDEN = "·"
"""Shown for a number that is hidden or missing."""


def table(rows: Sequence[Mapping[str, Any]], words: Callable[[Any], str]) -> Markup:
    """Return rows with the same keys as a table.

    Example:
        >>> table([{"stage": "<growth>", "customers": None}], str)
        Markup('<div class="scroll"><table><thead><tr><th scope="col">stage</th><th scope="col">customers</th></tr>\
</thead><tbody><tr><td>&lt;growth&gt;</td><td>·</td></tr></tbody></table></div>')
    """
    if not rows:
        return element("p", "Nothing.", class_="muted")
    numeric = {
        name: any(isinstance(row[name], int | float) and not isinstance(row[name], bool) for row in rows)
        for name in rows[0]
    }
    head = (_cell("th", name.replace("_", " "), numeric[name], scope="col") for name in rows[0])
    body = (element("tr", *(_cell("td", _text(row[name], words), numeric[name]) for name in rows[0])) for row in rows)
    return _whole(element("tr", *head), *body)


def heat_table(
    corner: str,
    columns: Sequence[str],
    rows: Mapping[str, Sequence[tuple[float | None, str]]],
    shade: Callable[[float], tuple[float, int]],
) -> Markup:
    """Return a table whose cells are shaded.

    Args:
        corner: Heading of the rows' names.
        columns: Headings of the other columns.
        rows: Name of each row -> value and text of its cells; no value, no shade.
        shade: Returns strength, 0 to 1, and number of the colour for a value.
    """
    head = [_cell("th", corner, numeric=False, scope="col")]
    head += [_cell("th", name, numeric=True, scope="col") for name in columns]
    body = []
    for name, cells in rows.items():
        drawn = [_cell("th", name, numeric=False, scope="row")]
        for value, text in cells:
            if value is None:
                drawn.append(element("td", text or HIDDEN, class_="n"))
                continue
            strength, colour = shade(value)
            level = round(min(max(strength, 0.0), 1.0) * 8)
            drawn.append(element("td", text, class_=f"n shade-{colour}-{level}" if level else "n"))
        body.append(element("tr", *drawn))
    return _whole(element("tr", *head), *body)


def _whole(head: Markup, *body: Markup) -> Markup:
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="scroll")


def _cell(tag: str, text: str, numeric: bool, **attributes: str) -> Markup:
    return element(tag, text, **({"class_": "n"} if numeric else {}), **attributes)


def _text(value: Any, words: Callable[[Any], str]) -> str:
    return HIDDEN if value is None else words(value)
