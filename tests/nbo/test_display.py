from __future__ import annotations

import json
import re

import pytest

from domain.errors import DataError
from nbo.display import (
    collect_tables,
    console,
    print_collected,
    progress_bars,
    show_all_columns,
    show_error,
    show_table,
)


def test_numbers_are_set_to_the_right_with_thousands_apart(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("counts", ("what", "count"), [("events", 1234567), ("customers", 20)])
    shown = capsys.readouterr().out
    assert "│ events    │ 1,234,567 │" in shown
    assert "│ customers │        20 │" in shown


def test_what_is_not_known_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("rates", ("stage", "rate"), [("growth", 0.123456), ("dormant", None)])
    shown = capsys.readouterr().out
    assert "0.1235" in shown
    assert re.search(r"│ dormant │ +- │", shown)


def test_a_table_without_rows_has_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("nothing", ("what", "count"), [])
    assert "what" in capsys.readouterr().out


def test_an_error_goes_to_stderr_in_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(DataError("x" * 300, got="[bold]", remedy="mend it"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"nbo: {'x' * 300}: got [bold]; mend it\n"


def test_work_without_a_terminal_is_one_line_when_done(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars("import events") as progress:
        progress(1, 10)
        assert capsys.readouterr().out == ""
    assert capsys.readouterr().out == "import events: done\n"


def test_columns_for_which_there_is_no_room_are_named_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    columns = ("offer", "customers", "a_very_long_name_of_a_column", "another_very_long_name")
    show_table("offers", columns, [("loan", 1_000, 2, 3)], width=60)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines()[:-1])) <= 60
    assert "│ loan  │     1,000 │" in shown
    assert shown.splitlines()[-1] == "  no room for another_very_long_name: use nbo --wide, or --json"


def test_a_wide_table_has_all_its_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_width", 60)
    columns = tuple(f"a_long_name_of_column_{number}" for number in range(20))
    show_all_columns()
    show_table("wide", columns, [range(20)], width=60)
    shown = capsys.readouterr().out
    assert all(name in shown for name in columns)
    assert "no room" not in shown


def test_collected_tables_are_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    collect_tables()
    show_table("counts", ("what", "count"), [("events", 3), ("none", None)])
    print_collected()
    rows = [{"what": "events", "count": 3}, {"what": "none", "count": None}]
    assert json.loads(capsys.readouterr().out) == {"tables": [{"title": "counts", "rows": rows}]}
    show_table("counts", ("what", "count"), [])
    assert "counts" in capsys.readouterr().out, "afterwards tables are printed again"
