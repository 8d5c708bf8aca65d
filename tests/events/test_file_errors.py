"""A file that is wrong as a whole is an error that names it, and nothing is imported."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import SourceError, StateError
from events.importing import import_sources
from tests.events.build import GOOD, NOW, SOURCE, VOCABULARY, Desk, csv_lines

CONTENT = csv_lines([GOOD, {**GOOD, "id": "e2"}])


def _refused(desk: Desk, match: str, name: str = "crm.csv", **changes: object) -> None:
    desk.put("first.csv", CONTENT)
    first = replace(SOURCE, name="first", files=("first.csv",))
    with pytest.raises(SourceError, match=match):
        desk.run(first, replace(SOURCE, files=(name,), **changes))  # type: ignore[arg-type] # changes of any field
    assert desk.log.count() == 0
    assert not list(desk.quarantine.glob("*"))


def test_a_missing_folder(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="folder of the sources is missing"):
        import_sources(desk.log, [SOURCE], VOCABULARY, tmp_path / "nowhere", desk.quarantine, now=NOW)


def test_a_pattern_without_a_file_is_answered_with_the_nearest_file(desk: Desk) -> None:
    desk.put("crn.csv", CONTENT)
    _refused(desk, r"no file matches .* got 'crm.csv' .* 'crn.csv' \(did you mean it")


def test_an_empty_file(desk: Desk) -> None:
    desk.put("crm.csv", b"")
    _refused(desk, "'crm.csv' of source 'crm' is empty")


@pytest.mark.parametrize("name", ["crm.csv.gz", "crm.jsonl.gz"])
def test_a_zipped_file_of_nothing(desk: Desk, name: str) -> None:
    desk.put(name, b"")
    _refused(desk, f"'{name}' is empty", name)


def test_an_unknown_format(desk: Desk) -> None:
    desk.put("crm.xlsx", b"PK")
    _refused(desk, r"format of file 'crm.xlsx' .* expected one of \.csv", "crm.xlsx")


def test_a_missing_column_is_answered_with_the_nearest(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.replace("customer", "custmer", 1))
    _refused(desk, r"no column .* got 'customer', expected 'custmer' \(did you mean it")


def test_another_delimiter_is_a_missing_column(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.replace(",", ";"))
    _refused(desk, "columns, or the delimiter")


def test_two_columns_of_the_same_name(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.replace("mood", "score", 1))
    _refused(desk, "two columns of the same name")


def test_a_key_that_no_line_has(desk: Desk) -> None:
    desk.put("crm.jsonl", json.dumps({**GOOD, "kunde": "c1"}).replace('"customer"', '"client"'))
    _refused(desk, "no column .* got 'customer'", "crm.jsonl")


def test_a_truncated_gzip(desk: Desk) -> None:
    whole = gzip.compress((CONTENT + "e9,c1,2026-01-05,app_login,,,,,,,\n" * 5000).encode())
    for name in ("crm.csv.gz", "crm.jsonl.gz"):
        (desk.files / name).write_bytes(whole[:-20])
        _refused(desk, f"'{name}' of source 'crm' cannot be read", name)


def test_a_file_that_is_no_gzip(desk: Desk) -> None:
    (desk.files / "crm.csv.gz").write_text(CONTENT)
    _refused(desk, "cannot be read as csv", "crm.csv.gz")


def test_a_file_that_is_no_parquet(desk: Desk) -> None:
    desk.put("crm.parquet", CONTENT)
    _refused(desk, "cannot be read as parquet", "crm.parquet")


def test_a_truncated_parquet(desk: Desk) -> None:
    path = desk.files / "crm.parquet"
    pq.write_table(pa.table({name: [value] for name, value in GOOD.items()}), path)
    path.write_bytes(path.read_bytes()[:-10])
    _refused(desk, "cannot be read as parquet", "crm.parquet")


@pytest.mark.parametrize(("column", "values"), [("time", [1.5]), ("customer", [["c1"]]), ("amount", [{"euro": 1}])])
def test_a_parquet_column_of_a_type_that_does_not_fit(desk: Desk, column: str, values: list[object]) -> None:
    row = {name: [GOOD.get(name)] for name in ("id", "customer", "time", "kind", "amount")}
    pq.write_table(pa.table({**row, column: values}), desk.files / "crm.parquet")
    fields = {field: name for field, name in SOURCE.columns.items() if name in row}
    _refused(desk, "has a type that does not fit", "crm.parquet", columns=fields, properties={})


def test_a_header_in_another_encoding(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.replace("mood", "humeur\xe9", 1).encode("cp1252"))
    _refused(desk, "not in the declared encoding")


def test_text_of_two_bytes_a_letter(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.encode("utf-16"))
    _refused(desk, "two bytes per letter.*correct `encoding`")


def test_a_file_of_mostly_undecodable_rows(desk: Desk) -> None:
    rows = [{**GOOD, "id": f"e{number}", "offer": "caf?"} for number in range(4)]
    desk.put("crm.csv", csv_lines(rows).encode().replace(b"caf?", b"caf\xe9"))
    _refused(desk, "4 of 4 rows that are not UTF-8")


def test_a_byte_that_the_declared_encoding_does_not_have(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.encode() + b"e3,\x81,2026-01-05,app_login,,,,,,,\n")
    _refused(desk, "not in the declared encoding.*expected cp1252", encoding="cp1252")


def test_a_declared_encoding_is_read(desk: Desk) -> None:
    for encoding in ("cp1252", "utf-16"):
        desk.put("crm.csv", csv_lines([{**GOOD, "id": encoding, "customer": "Ren\xe9"}]).encode(encoding))
        assert desk.run(replace(SOURCE, encoding=encoding)).total.accepted == 1
    assert desk.log.read_customer("Ren\xe9").num_rows == 2


def test_a_byte_order_mark_is_no_part_of_the_first_name(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT.encode("utf-8-sig"))
    desk.put("crm.jsonl", (json.dumps({**GOOD, "id": "j"}) + "\n").encode("utf-8-sig"))
    assert desk.run(replace(SOURCE, files=("crm.*",))).total.accepted == 3


def test_a_folder_that_cannot_be_written_imports_nothing(desk: Desk) -> None:
    desk.put("crm.csv", CONTENT)
    desk.quarantine.write_text("in the way")
    with pytest.raises(StateError, match=r"quarantine .* could not be written"):
        desk.run()
    assert desk.log.count() == 0
