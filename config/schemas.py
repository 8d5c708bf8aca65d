"""JSON Schemas of a bank's files, made from the classes that they are read into."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from config.files import COMMON_FEATURES, FILE_KINDS, FileKind

FOLDER: Final = "schemas"
"""Folder of the schemas, in the bank's folder."""


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file of a bank's folder, with descriptions.

    Example:
        >>> schema = schema_of("bank.yaml")
        >>> schema["required"], schema["additionalProperties"]
        (['name', 'description', 'time_zone', 'currency'], False)
        >>> schema["properties"]["currency"]["description"]
        'ISO 4217 code of the currency of every amount (`EUR`).'
    """
    schema: dict[str, Any] = TypeAdapter(FILE_KINDS[name].shape).json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **schema}
    classes = {shape.__name__: shape for shape in _classes(FILE_KINDS[name].shape)}
    for part in (schema, *schema.get("$defs", {}).values()):
        shape = classes.get(part.get("title", "")) or classes.get(_own_name(part, schema, FILE_KINDS[name]))
        if shape is None:
            continue
        part["description"] = _summary(shape)
        for field, meaning in _meanings(shape).items():
            if field in part.get("properties", {}):
                part["properties"][field]["description"] = meaning
    return schema


def file_names() -> list[str]:
    """Return the names of the files that have a schema."""
    return [name for name in FILE_KINDS if name != COMMON_FEATURES.name]


def write_schemas(folder: Path) -> list[Path]:
    """Write the schema of every file into a folder of a bank's folder."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name in file_names():
        path = target / f"{Path(name).stem}.json"
        path.write_text(json.dumps(schema_of(name), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def with_schema(name: str, text: str) -> str:
    """Put the line before a YAML file by which editors find its schema."""
    return f"# yaml-language-server: $schema={FOLDER}/{Path(name).stem}.json\n{text}"


def _own_name(part: dict[str, Any], schema: dict[str, Any], kind: FileKind) -> str:
    return getattr(kind.shape, "__name__", "") if part is schema else ""


def _classes(shape: Any) -> set[type]:
    """Return the dataclasses that a type is made of."""
    found: set[type] = set()
    waiting = [shape]
    while waiting:
        one = waiting.pop()
        if is_dataclass(one) and isinstance(one, type):
            if one not in found:
                found.add(one)
                waiting += list(inspect.get_annotations(one, eval_str=True).values())
        else:
            waiting += list(getattr(one, "__args__", ()))
    return found


def _summary(shape: type) -> str:
    return " ".join(re.split(r"\n(?:Attributes|Example|Raises|Args):\n", inspect.getdoc(shape) or "")[0].split())


def _meanings(shape: type) -> dict[str, str]:
    """Return the description of each field from the section `Attributes` of a dataclass's docstring."""
    parts = re.split(r"\n(\w+):\n", inspect.getdoc(shape) or "")
    section = dict(zip(parts[1::2], parts[2::2], strict=True)).get("Attributes", "")
    found = re.findall(r"^    (\w+): ((?:.|\n(?!    \w))*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
