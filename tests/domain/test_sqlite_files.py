from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from domain.errors import StateError
from domain.sqlite_files import expect_sound


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "a#b%20c d?.db"
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("CREATE TABLE kept (name TEXT)")
        connection.executemany("INSERT INTO kept VALUES (?)", [("x" * 500,)] * 100)
    return place


def overwrite(file):
    content = bytearray(file.read_bytes())
    content[4096:6000] = b"\xff" * 1904
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [overwrite, lambda file: os.truncate(file, 9000), lambda file: file.write_text("no database" * 99)],
    ids=["overwritten", "cut off", "something else"],
)
def test_damage_is_reported_with_the_remedy(file, damage):
    expect_sound(file, "restore it")
    damage(file)
    with pytest.raises(StateError, match=r"is damaged: got .*; restore it"):
        expect_sound(file, "restore it")


def test_what_is_not_there_or_is_held_by_somebody_is_not_damaged(file, tmp_path):
    expect_sound(tmp_path / "nowhere.db", "restore it")
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        expect_sound(file, "restore it")
