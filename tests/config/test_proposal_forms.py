"""Forms of entries: what they do not touch keeps every byte, and what they write reads back as it was said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config.proposals.entries import KINDS, entry_names, entry_text, read_text
from config.proposals.form import Field, FormControl, fields_of, from_form, is_written
from config.proposals.keys import values_in, with_values
from config.reading import load_bank
from domain.errors import DataError

BANKS = Path(__file__).parents[2] / "banks"
ENTRIES = (
    "name: a\n# about the cost\ncost: 1 # low\ntags: [x, y]\n\nmore: |\n  text\n  of lines\nlast: *shared # here\n",
    "{name: a, cost: 1, tags: [x, y], more: text, last: *shared} # here\n",
)


def sent(fields: tuple[Field, ...], entry: str) -> dict[str, str]:
    """What a browser sends of an untouched form: its lines end in CR and LF."""
    said, form = values_in(entry), {}
    for field in fields:
        value = said.get(field.name, "")
        if isinstance(value, str) or is_written(field, value):
            form[f"field.{field.name}"] = str(value).replace("\n", "\r\n")
        elif field.control is FormControl.BOXES:
            form |= {f"field.{field.name}.{item}": "on" for item in value if item in field.choices}
            form[f"field.{field.name}"] = ", ".join(item for item in value if item not in field.choices)
        else:
            form[f"field.{field.name}"] = ", ".join(value)
    return form


@pytest.mark.parametrize("bank", ["demo", "bpi2012"])
def test_an_untouched_form_keeps_every_byte_of_every_entry(bank):
    loaded = load_bank(BANKS / bank)
    for kind in KINDS.values():
        text, fields = read_text(BANKS / bank / kind.file), fields_of(kind, loaded)
        for name in entry_names(text, kind):
            entry = entry_text(text, kind, name)
            assert entry is not None
            assert from_form(fields, entry, sent(fields, entry)) == entry


def test_fields_are_those_of_the_schema_with_what_the_folder_defines():
    bank = load_bank(BANKS / "demo")
    fields = {field.name: field for field in fields_of(KINDS["offer"], bank)}
    assert fields["stages"].choices == ("acquisition", "growth", "mature", "dormant", "lost")
    assert (fields["product"].control, fields["product"].choices) == (FormControl.CHOICE, bank.vocabulary.products)
    assert (fields["cost"].control, fields["cost"].unit, fields["cost"].default) == (FormControl.NUMBER, "EUR", "0")
    assert fields["response_window_days"].unit == "days"
    assert fields["valid_from"].meaning.startswith("First day it may be offered")
    assert [field.name for field in fields.values() if field.required] == [
        *("name", "description", "value", "treatments", "stages")
    ]


@pytest.mark.parametrize("entry", ENTRIES)
def test_one_key_changes_and_all_else_stays(entry):
    assert with_values(entry, {"cost": "2"}, ["cost"]) == entry.replace("cost: 1", "cost: 2")
    assert with_values(entry, {"tags": ("y",)}) == entry.replace("[x, y]", "[y]")
    assert with_values(entry, {"last": "here and there"}) == entry.replace("*shared", "here and there")
    assert with_values(entry, {"cost": "1", "tags": ("x", "y")}) == entry


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("gone", ["cost", "tags", "more", "last"])
def test_a_key_that_goes_takes_only_itself(entry, gone):
    before = values_in(entry)
    left = with_values(entry, {gone: type(before[gone])()})
    assert values_in(left) == {name: value for name, value in before.items() if name != gone}
    assert ("# here" in left) == ("# here" in entry and (gone != "last" or entry.startswith("{")))


@pytest.mark.parametrize("block", [True, False])
@given(words=st.dictionaries(st.sampled_from(["text", "when", "list"]), st.text(min_size=1, max_size=20), min_size=1))
def test_what_is_said_is_what_yaml_reads(block, words):
    said = {name: " ".join(text.split()) for name, text in words.items()}
    said = {name: text for name, text in said.items() if text and text.isprintable()}
    entry = with_values("name: a\n" if block else "{name: a}\n", said)
    assert YAML(typ="safe", pure=True).load(entry) == {"name": "a", **said}
    listed = with_values(entry, {"items": tuple(said.values())})
    expected = {"items": list(said.values())} if said else {}
    assert YAML(typ="safe", pure=True).load(listed) == {"name": "a", **said, **expected}


@pytest.mark.parametrize("entry", ["- a\n", "text", "name: [\n"])
def test_what_is_no_entry_is_changed_as_text(entry):
    with pytest.raises(DataError, match="change it as text"):
        values_in(entry)
