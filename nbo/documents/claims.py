"""Sentences that are written by hand and hold only as long as the numbers say so."""

from __future__ import annotations

from domain.errors import StateError


def claim(sentence: str, *, holds: bool) -> str:
    """Give a sentence back, having checked that it is true of the run it is written about.

    Raises:
        StateError: It no longer holds: then somebody has to look at the run and write what it shows.

    Example:
        >>> claim("Two is more than one.", holds=2 > 1)
        'Two is more than one.'
    """
    if not holds:
        raise StateError(
            "a sentence of the results page no longer holds",
            got=sentence,
            remedy="look at the run, and write what it shows in nbo/documents",
        )
    return sentence
