"""The form of an entry, made from the schema of its file and from what the bank's folder defines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from config.bank import Bank
from config.files import FILE_KINDS
from config.proposals.entries import EntryKind
from config.proposals.keys import Value, values_in, with_values
from config.schemas import schema_of
from config.shapes import shape_at

MOST_BOXES: Final = 40
"""A list with more possible items is written, not ticked."""


class FormControl(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    BOXES = "boxes"
    LIST = "list"
    YAML = "yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        name: Key of the entry.
        meaning: What it means, as in the schema.
        control: How it is filled in.
        required: Whether an entry needs it.
        choices: What can be chosen.
        open: Whether a list may have other items, too.
        default: What counts where nothing is said, as text.
        unit: Unit of its number; empty if it has none.
    """

    name: str
    meaning: str
    control: FormControl
    required: bool
    choices: tuple[str, ...] = ()
    open: bool = False
    default: str = ""
    unit: str = ""


def fields_of(kind: EntryKind, bank: Bank | None = None) -> tuple[Field, ...]:
    """Return the fields of a kind of entry, in the order of its schema; the required ones first.

    Args:
        kind: Where the entries are.
        bank: Bank whose channels, products, offers and tags can be chosen.

    Example:
        >>> from config.proposals.entries import KINDS
        >>> [field.name for field in fields_of(KINDS["lever"]) if field.required]
        ['name', 'factor']
    """
    path = (0,) if kind.key is None else (kind.key, 0)
    shape = shape_at(FILE_KINDS[kind.file].shape, path)
    schema = _schema_of(kind.file)
    described = schema["$defs"][shape.__name__]
    known = _known(bank)
    found = [
        _field(name, part, schema["$defs"], name in described.get("required", ()), known, bank)
        for name, part in described["properties"].items()
    ]
    return tuple(sorted(found, key=lambda field: not field.required))


_schema_of: Final = lru_cache(schema_of)


def from_form(fields: tuple[Field, ...], entry: str, form: Mapping[str, str]) -> str:
    r"""Return an entry with what a form says; keys that the form leaves as they were keep every byte.

    Args:
        fields: Fields of the form.
        entry: The entry from which the form was made.
        form: `field.<key>` -> text; `field.<key>.<item>` for each box that is ticked.

    Raises:
        DataError: The entry cannot be read.

    Example:
        >>> fields = (Field(name="factor", meaning="", control=FormControl.NUMBER, required=True),)
        >>> from_form(fields, "{name: a, factor: 2} # strong\n", {"field.factor": "3"})
        '{name: a, factor: 3} # strong\n'
    """
    before = values_in(entry)
    values = {field.name: _value(field, before.get(field.name, ""), form) for field in fields if field.name != "name"}
    changed = {name: value for name, value in values.items() if value != before.get(name, type(value)())}
    numbers = [field.name for field in fields if field.control in {FormControl.NUMBER, FormControl.DATE}]
    raw = [field.name for field in fields if _is_raw(field, before.get(field.name))]
    return with_values(entry, changed, numbers, raw)


def is_written(field: Field, value: Value) -> bool:
    """Whether a list is shown as it is written: it has an anchor, or is an alias."""
    return field.control in {FormControl.BOXES, FormControl.LIST} and isinstance(value, str) and bool(value)


def _is_raw(field: Field, before: Value | None) -> bool:
    return field.control is FormControl.YAML or (before is not None and is_written(field, before))


def _value(field: Field, before: Value, form: Mapping[str, str]) -> Value:
    text = form.get(f"field.{field.name}", "").replace("\r\n", "\n").strip()
    if field.control not in {FormControl.BOXES, FormControl.LIST} or is_written(field, before):
        # a browser shows a text in one line, and sends it back so
        return before if isinstance(before, str) and text.split() == before.split() else text
    written = [item for part in text.split(",") if (item := part.strip())]
    listed = before if isinstance(before, tuple) else ()
    ticked = [item for item in dict.fromkeys((*listed, *field.choices)) if f"field.{field.name}.{item}" in form]
    return tuple(dict.fromkeys((*ticked, *written)))


def _known(bank: Bank | None) -> dict[str, tuple[str, ...]]:
    if bank is None:
        return {}
    offers = tuple(offer.name for offer in bank.offers)
    tags = tuple(sorted({tag for offer in bank.offers for tag in offer.tags}))
    products = bank.vocabulary.products
    return {
        "channels": bank.vocabulary.channels,
        "products": products,
        "product": products,
        "offers": offers,
        "after_offers": offers,
        "tags": tags,
        "except_tags": tags,
    }


def _field(
    name: str,
    part: Mapping[str, Any],
    parts: Mapping[str, Any],
    required: bool,
    known: Mapping[str, tuple[str, ...]],
    bank: Bank | None,
) -> Field:
    meaning, default = part.get("description", ""), part.get("default")
    wanted = next((one for one in part.get("anyOf", ()) if one.get("type") != "null"), part)
    wanted = parts[wanted["$ref"].rpartition("/")[2]] if "$ref" in wanted else wanted
    choices = tuple(map(str, wanted.get("enum", ()))) or known.get(name, ())
    control, is_open = FormControl.TEXT, False
    match wanted.get("type"):
        case "array":
            items = wanted["items"]
            items = parts[items["$ref"].rpartition("/")[2]] if "$ref" in items else items
            choices = tuple(map(str, items.get("enum", ()))) or choices
            control = FormControl.BOXES if 0 < len(choices) <= MOST_BOXES else FormControl.LIST
            control = FormControl.YAML if items.get("type") == "object" else control
            is_open = name == "tags" or control is FormControl.LIST
        case "object":
            control = FormControl.YAML
        case "number" | "integer":
            control = FormControl.NUMBER
        case _:
            other = FormControl.DATE if wanted.get("format") == "date" else FormControl.TEXT
            control = FormControl.CHOICE if choices else other
    return Field(
        name=name,
        meaning=meaning,
        control=control,
        required=required,
        choices=choices,
        open=is_open,
        default="" if default in (None, "", []) else str(default).removesuffix(".0"),
        unit=_unit(name, meaning, control, bank),
    )


def _unit(name: str, meaning: str, control: FormControl, bank: Bank | None) -> str:
    if control is FormControl.NUMBER and re.search(r"(^|_)days$", name):
        return "days"
    if bank is not None and control is FormControl.NUMBER and (name == "cost" or "bank's currency" in meaning):
        return bank.identity.currency
    return ""
