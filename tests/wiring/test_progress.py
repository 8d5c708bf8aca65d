from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.progress import Progress
from wiring.progress import progress_of, showing


def test_bars_are_shown_only_inside_the_block() -> None:
    seen: list[tuple[str, int, int | None]] = []

    @contextmanager
    def bars(description: str) -> Iterator[Progress]:
        yield lambda done, total: seen.append((description, done, total))

    with showing(bars), progress_of("import") as progress:
        progress(1, 2)
    with progress_of("later") as progress:
        progress(1, None)
    assert seen == [("import", 1, 2)]


def test_an_error_inside_ends_the_showing() -> None:
    opened: list[str] = []

    @contextmanager
    def bars(description: str) -> Iterator[Progress]:
        opened.append(description)
        yield lambda done, total: None

    with pytest.raises(ValueError, match="broken"), showing(bars):
        raise ValueError("broken")
    with progress_of("quiet"):
        pass
    assert opened == []
