"""A YAML file of a bank's folder: its content, the line of every value, and everything that cannot be read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import Node

from config.content import MAXIMUM_DEPTH, Content, ContentError, ContentReader, shallow_yaml
from config.content import Path as ValuePath
from config.problems import LocatedProblem
from domain.errors import Problem

MAXIMUM_BYTES: Final = 5_000_000
"""Settings are not data: a larger file is there by mistake."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, starting at 1."""

    file: Path
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read.

    Attributes:
        elsewhere: Places of values that another file has replaced.
        problems: What could not be read; if there are none, the content is complete.
    """

    file: Path
    content: Content = None
    lines: Mapping[ValuePath, int]
    elsewhere: Mapping[ValuePath, Place] = field(default_factory=dict)
    problems: tuple[LocatedProblem, ...] = ()

    def located(self, problem: Problem) -> LocatedProblem:
        """Add the line of a problem's path, or else of the closest enclosing value."""
        for length in range(len(problem.path), -1, -1):
            path = problem.path[:length]
            if path in self.elsewhere:
                place = self.elsewhere[path]
                return LocatedProblem(problem=problem, file=place.file, line=place.line)
            if path in self.lines:
                return LocatedProblem(problem=problem, file=self.file, line=self.lines[path])
        return LocatedProblem(problem=problem, file=self.file)


def read_document(file: Path) -> Document:
    """Read a file.

    Returns:
        The document; its problems say if it is missing, unreadable, empty, not UTF-8, or not YAML.
    """
    try:
        if file.stat().st_size > MAXIMUM_BYTES:
            expected = f"at most {MAXIMUM_BYTES} bytes"
            return _unreadable(file, None, "the file is too large", f"{file.stat().st_size} bytes", expected)
        raw = file.read_bytes()
    except FileNotFoundError:
        return _unreadable(file, None, "the file is missing", None, "a file of that name")
    except OSError as error:
        return _unreadable(file, None, "the file cannot be read", error.strerror, "a readable file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        got = f"byte 0x{raw[error.start]:02x}" if error.start < len(raw) else None
        return _unreadable(file, line, "the file is not UTF-8", got, "text saved as UTF-8")
    return parse_document(file, text)


def parse_document(file: Path, text: str) -> Document:
    """Read the text of a file, which need not be written yet."""
    try:
        node = _compose(text)
    except MaxDepthExceededError as error:
        line = None if error.problem_mark is None else int(error.problem_mark.line) + 1
        return _unreadable(file, line, "nested too deeply", "lists in lists", f"at most {MAXIMUM_DEPTH} levels")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else int(mark.line) + 1
        found = str(error.problem or error.context)
        return _unreadable(file, line, "not YAML", found, "YAML", _usual_cause(text, line, f"{error.context} {found}"))
    except YAMLError as error:  # a character that YAML does not allow; the error has only its position
        position = int(getattr(error, "position", 0))
        line = text.count("\n", 0, position) + 1
        return _unreadable(file, line, "not YAML", "a character that is not text", "YAML")
    except (RecursionError, ValueError) as error:
        got = "lists in lists" if isinstance(error, RecursionError) else str(error)
        return _unreadable(file, None, "not YAML that can be read", got, "a few levels of mappings and lists")
    if node is None:
        return _unreadable(file, None, "the file is empty", None, "YAML")
    reader = ContentReader()
    content: Content = None
    try:
        content = reader.read(node)
    except ContentError as error:
        reader.errors.append(error)
    problems = tuple(_located(file, error.line, error.what, error.got, error.expected) for error in reader.errors)
    return Document(file=file, content=content, lines=reader.lines, problems=problems)


def _compose(text: str) -> Node | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it: the later anchor wins
        node: Node | None = shallow_yaml().compose(text)
        return node


def _usual_cause(text: str, line: int | None, error: str) -> str | None:
    """Return what people have usually done when the parser says this of a line; None if nothing is usual."""
    lines = text.splitlines()
    written = lines[line - 1] if line is not None and line <= len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())] or "'\\t'" in error:
        return "indent with blanks: YAML allows no tabs there"
    return next((cause for words, cause in _USUAL_CAUSES if words in error), None)


_USUAL_CAUSES: Final = (
    ("quoted scalar", "a closing quote is missing, here or above"),
    ("mapping values are not allowed", "quote a text that contains `: `, or indent this line as the one above"),
    ("flow", "a bracket or a comma is missing, or a text with , [ ] { } needs quotes"),
    ("block", "indent this line as its neighbours, and leave a blank after `-` and `:`"),
    ("cannot start any token", "quote a text that begins with one of @ ` % & * ! | >"),
)
"""Words of the parser's messages, with what people have usually done."""


def _unreadable(
    file: Path, line: int | None, what: str, got: str | None, expected: str, remedy: str | None = None
) -> Document:
    return Document(file=file, lines={}, problems=(_located(file, line, what, got, expected, remedy),))


def _located(
    file: Path, line: int | None, what: str, got: str | None, expected: str, remedy: str | None = None
) -> LocatedProblem:
    problem = Problem(file=file.name, path=(), what=what, got=got, expected=expected, remedy=remedy)
    return LocatedProblem(problem=problem, file=file, line=line)
