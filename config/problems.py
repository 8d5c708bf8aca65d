"""All problems of a bank's folder, reported together, each with its line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from domain.errors import NboError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedProblem:
    """A problem and where it is.

    Attributes:
        file: Path that can be opened from the working folder.
        line: Line number, starting at 1; None if the problem concerns the whole file.
    """

    problem: Problem
    file: Path
    line: int | None = None

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.problem.sentence()}"


class ConfigurationErrors(NboError):  # noqa: N818  # plural on purpose: it holds all of them
    """A bank's folder cannot be used; has all of its problems.

    Attributes:
        problems: Sorted by file and line.

    Example:
        >>> problem = Problem(file="bank.yaml", path=("currency",), what="not a currency", got="'euro'", expected="EUR")
        >>> located = LocatedProblem(problem=problem, file=Path("banks/mine/bank.yaml"), line=4)
        >>> print(ConfigurationErrors(Path("banks/mine"), [located]))
        1 problem in banks/mine
        banks/mine/bank.yaml:4: not a currency: got 'euro', expected EUR
    """

    def __init__(self, folder: Path, problems: Iterable[LocatedProblem]) -> None:
        unique = {str(located): located for located in problems}
        self.problems = tuple(sorted(unique.values(), key=lambda located: (located.file, located.line or 0)))
        count = len(self.problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} in {folder}")

    def _sentence(self) -> str:
        return "\n".join((self.what, *map(str, self.problems)))
