"""The example of a decision in the README, generated from a real run."""

from __future__ import annotations

import re

from domain.errors import StateError
from nbo.display import console
from nbo.outcomes import show_decision
from wiring.components import Components

WIDTH = 120
"""Width of the output in characters, which fits a browser window without scrolling."""

_EXAMPLE = re.compile(r"(decide --customer (\w+) --channel (\w+)\n```\n\n```text\n)(.*?)(?=```\n)", re.DOTALL)


def with_decision(readme: str, components: Components) -> str:
    """Replace the output below the README's `nbo decide` command with the current one.

    Raises:
        StateError: The README shows no such command with a block of output.
    """
    found = _EXAMPLE.search(readme)
    if found is None:
        raise StateError(
            "the README shows no decision", expected="`decide --customer ID --channel CHANNEL`, then a block"
        )
    console.width = WIDTH
    with console.capture() as shown:
        show_decision(components.answer(found[2], found[3], components.latest()))
    lines = [line.rstrip() for line in shown.get().splitlines()]
    return readme[: found.start(4)] + "\n".join(lines) + "\n" + readme[found.end(4) :]
