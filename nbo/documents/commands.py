"""The reference docs/commands.md, generated from the command line."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

_VALUES = {str: "a text", int: "a whole number", float: "a number", Path: "a path", datetime: "a date or moment"}
_EXAMPLES = re.compile(r"Examples?:\s")


def commands_reference(app: typer.Typer) -> str:
    """Write the reference as Markdown: every command by topic, with its options, defaults and examples.

    Example:
        >>> small = typer.Typer(name="small", help="A small one.")
        >>> @small.callback()
        ... def first() -> None: ...
        >>> @small.command()
        ... def go(far: int = 3) -> None:
        ...     '''Go.'''
        >>> print(commands_reference(small).splitlines()[-1])
        | `--far` | a whole number | 3 |  |
    """
    group = get_command(app)
    assert isinstance(group, TyperGroup), "a program of several commands"
    lines = [
        f"# Commands of {app.info.name}",
        "",
        "Written by `make docs` from the command line; change `nbo/*commands.py`, not this page. A failed command",
        "prints one sentence and exits with code 1; Ctrl-C keeps finished work and exits with code 130.",
        "",
        "Options before the command:",
        "",
        *_options(group),
    ]
    topics: dict[str, list[TyperCommand]] = {}
    for command in group.commands.values():
        assert isinstance(command, TyperCommand)
        topics.setdefault(str(command.rich_help_panel), []).append(command)
    for topic, commands in topics.items():
        lines += ["", f"## {topic}"]
        for command in commands:
            lines += ["", f"### {app.info.name} {command.name}", "", *_described(command)]
    return "\n".join(lines) + "\n"


def _described(command: TyperCommand) -> list[str]:
    meaning, *examples = _EXAMPLES.split(command.help or "", maxsplit=1)
    lines = [" ".join(meaning.split())]
    if examples:
        lines += ["", "```sh", *filter(None, map(str.strip, examples[0].splitlines())), "```"]
    return [*lines, "", *_options(command)] if command.params else lines


def _options(command: TyperCommand | TyperGroup) -> list[str]:
    lines = ["| option | value | default | meaning |", "|---|---|---|---|"]
    for option in command.params:
        assert isinstance(option, TyperOption | TyperArgument)
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        kind = option.type_descriptor.annotation
        value = "a text; may be repeated" if option.multiple else _VALUES.get(kind, "a switch")
        default = "required" if option.required else "" if option.default is None else str(option.default)
        lines.append(f"| {names} | {value} | {default} | {option.help or ''} |")
    return lines
