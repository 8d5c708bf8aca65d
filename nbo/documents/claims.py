"""Hand-written sentences of generated pages, checked against the numbers of a run."""

from __future__ import annotations

from domain.errors import StateError


def claim(sentence: str, *, holds: bool) -> str:
    """Return a sentence after checking that it holds for the current run.

    Raises:
        StateError: It no longer holds; somebody has to look at the run and rewrite it.

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
