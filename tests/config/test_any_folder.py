"""Any folder either loads or reports all of its problems; no other error occurs."""

import io
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config.problems import ConfigurationErrors
from config.reading import load_bank
from tests.config.folders import SMALL_BANK, Folder

FILES = sorted(SMALL_BANK)
NUMBERS: list[Any] = [True, -1, 0, 2.5, 1e300, 10**30]
TEXTS: list[Any] = ["", "x", "age", "TRUE", "NULL", "' OR", "2025-01-01", "{product}_held", "é☃\u2028", "a" * 3000]
STRANGE: list[Any] = [None, *NUMBERS, *TEXTS, [], ["x"], [[]], {}, {"x": 1}, {"": None}, [None]]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


def spoilt(content: Any, seed: int) -> Any:
    """Replace, remove, rename or repeat something at a random place."""
    choice = random.Random(seed)
    *way, last = choice.choice(places(content)[1:])
    holder = content
    for step in way:
        holder = holder[step]
    match choice.randrange(5):
        case 0 | 1:
            holder[last] = choice.choice(STRANGE)
        case 2:
            del holder[last]
        case 3 if isinstance(holder, dict):
            holder[f"{last}x"] = holder.pop(last)
        case _ if isinstance(holder, list):
            holder.append(holder[last])
        case _:
            holder["again"] = holder[last]
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("banks"))


def load_or_be_told(folder: Folder, name: str, content: bytes) -> None:
    told = True
    try:
        load_bank(folder.write(name, content).path)
    except ConfigurationErrors as error:
        told = bool(error.problems)
    finally:
        folder.write(name, SMALL_BANK[name])
    assert told


@settings(max_examples=100, deadline=None, derandomize=True)
@given(name=st.sampled_from(FILES), seed=st.integers(0, 2**32))
def test_any_value_in_any_place_loads_or_is_told(folder: Folder, name: str, seed: int) -> None:
    yaml, written = YAML(typ="safe", pure=True), io.BytesIO()
    yaml.dump(spoilt(yaml.load(SMALL_BANK[name]), seed), written)
    load_or_be_told(folder, name, written.getvalue())


PIECES = [b"\t", b"[", b"*x", b"&x ", b"<<: ", b"'", b"? ", b"!!", b"---\n", b"\xff"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(FILES),
    place=st.floats(0, 1),
    length=st.integers(0, 30),
    put=st.binary(max_size=6) | st.sampled_from(PIECES),
)
def test_any_bytes_in_any_place_load_or_are_told(
    folder: Folder, name: str, place: float, length: int, put: bytes
) -> None:
    raw = SMALL_BANK[name].encode()
    start = int(place * len(raw))
    load_or_be_told(folder, name, raw[:start] + put + raw[start + length :])
