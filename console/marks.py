"""Marks: the numbers that charts over time carry where something changed between runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from console.languages import N_, Texts
from console.page import Visit
from serving.figures.changes import changes
from serving.figures.files import read_runs

MOST_SAID: Final = 3
"""Marks that are put into words below a chart; the page Overview lists all."""

_WORDS: Final = {"policy": N_("The policy changed"), "bank": N_("The bank's folder changed")}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that changed on a day.

    Attributes:
        day: Day of the first run with the change.
        number: Its number, as in the table "What changed when".
        what: What changed, translated.
        before: Version before; None if there was none.
        after: Version after; None if there is none now.
    """

    day: date
    number: int
    what: str
    before: str | None = None
    after: str | None = None


def marks_of(visit: Visit) -> list[Mark]:
    """Number what changed between the bank's runs, oldest first, and put it into words."""
    found, texts, bank = changes(read_runs(visit.sources.figures)), visit.texts, visit.service.engine.bank.identity.name
    return [
        Mark(one.day, number, _what(one.what.removeprefix(f"{bank}-"), texts), one.before, one.after)
        for number, one in enumerate(found, start=1)
    ]


def _what(changed: str, texts: Texts) -> str:
    if changed in _WORDS:
        return texts(_WORDS[changed])
    return texts("Another {model} model", model=texts.name(changed).lower())


def placed(marks: Iterable[Mark], days: Sequence[date], until: date) -> dict[int, list[int]]:
    """Return the numbers that stand at each place of a chart; those outside its days are left out.

    Args:
        marks: What changed.
        days: First day of each place, in order.
        until: Last day of the last place.

    Example:
        >>> marks = [Mark(date(2026, 6, 3), 1, "The policy changed"), Mark(date(2026, 6, 4), 2, "Another churn model")]
        >>> placed(marks, [date(2026, 6, 1), date(2026, 6, 8)], date(2026, 6, 14))
        {0: [1, 2]}
    """
    found: dict[int, list[int]] = {}
    for mark in _inside(marks, days, until):
        place = max(at for at, day in enumerate(days) if day <= mark.day)
        found.setdefault(place, []).append(mark.number)
    return found


def in_words(marks: Iterable[Mark], days: Sequence[date], until: date, texts: Texts) -> str:
    """Say what the numbers on a chart stand for; nothing if it has none."""
    inside = _inside(marks, days, until)
    if not inside:
        return ""
    listed = [
        texts("{number}: {what}, {day}", number=one.number, what=one.what, day=texts.date(one.day))
        for one in inside[-MOST_SAID:]
    ]
    if len(inside) > MOST_SAID:
        listed.insert(0, texts("earlier ones are listed on the page Overview"))
    return texts("Marks show what changed: {changes}.", changes="; ".join(listed))


def _inside(marks: Iterable[Mark], days: Sequence[date], until: date) -> list[Mark]:
    return [mark for mark in marks if days and days[0] <= mark.day <= until]
