"""Names of a bank made from the words of its exports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

_LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "å": "a"})


def name_of(words: str, otherwise: str = "value") -> str:
    """Return words as a name of an event type, channel, property or offer.

    Example:
        >>> name_of("Tagesgeld Plus (2,5 %)"), name_of("Überweisung"), name_of("3 months"), name_of("---")
        ('tagesgeld_plus_2_5', 'ueberweisung', 'value_3_months', 'value')
    """
    lowered = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower().translate(_LETTERS)
    plain = normalize("NFKD", lowered).encode("ascii", "ignore").decode()
    name = re.sub("[^a-z0-9]+", "_", plain).strip("_")[:50].rstrip("_")
    if not name:
        return otherwise
    return name if name[0].isalpha() else f"{otherwise}_{name}"


def names_of(values: Iterable[str], otherwise: str = "value") -> dict[str, str]:
    """Return a name for each value; different values get different names.

    Example:
        >>> names_of(["E-Mail", "e mail", "App"])
        {'E-Mail': 'e_mail', 'e mail': 'e_mail_2', 'App': 'app'}
    """
    names: dict[str, str] = {}
    for value in values:
        name, number = name_of(value, otherwise), 1
        while (name if number == 1 else f"{name}_{number}") in names.values():
            number += 1
        names[value] = name if number == 1 else f"{name}_{number}"
    return names
