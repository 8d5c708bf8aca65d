from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError, SourceError
from domain.ids import customer_id
from events.ids import ids_of, joined_ids
from events.quarantine import Reason
from tests.events.build import GOOD, SOURCE, Desk, csv_lines


def _read(values: Iterable[Any], kind: pa.DataType) -> list[str | None]:
    ids = ids_of(pa.array(list(values), kind), "customer id")
    assert ids.values.null_count == int((ids.missing | ids.unfit).sum())
    assert all(ids.why(row) for row in ids.unfit.nonzero()[0].tolist())
    return [text if not unfit else "unfit" for text, unfit in zip(ids.values.to_pylist(), ids.unfit, strict=True)]


@pytest.mark.parametrize(
    ("kind", "bits"), [(pa.float64(), 53), (pa.float32(), 24), (pa.float16(), 11)], ids=["64", "32", "16"]
)
def test_a_floating_id_that_may_have_been_another_is_refused(kind: pa.DataType, bits: int) -> None:
    large = [2**bits - 1, 2**bits, -(2**bits), float("inf"), 7.5]
    if kind == pa.float16():
        import numpy as np  # of which alone Arrow takes half floats

        found = ids_of(pa.array(np.array(large, dtype=np.float16)), "customer id")
        assert found.unfit.tolist() == [False, True, True, True, True]
        return
    assert _read([*large, float("nan"), None], kind) == [str(2**bits - 1), *["unfit"] * 4, None, None]


def test_ids_of_64_bits_keep_every_digit() -> None:
    assert _read([4873214862074861313, -1, None], pa.int64()) == ["4873214862074861313", "-1", None]
    assert _read([2**64 - 1], pa.uint64()) == [str(2**64 - 1)]


def test_whole_decimals_lose_their_scale() -> None:
    kind = pa.decimal128(38, 10)
    values = [Decimal(1001), Decimal(0), Decimal("1001.5"), None, Decimal(10**27)]
    assert _read(values, kind) == ["1001", "0", "unfit", None, str(10**27)]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_every_arrow_type_are_trimmed_and_normalised(kind: pa.DataType) -> None:
    given = [" K1 ", "Mu\u0308ller", "K\u200b1", "", "  ", None, "..", "L" * 201]
    assert _read(given, kind) == ["K1", "M\u00fcller", "unfit", None, None, None, "unfit", "unfit"]


@given(st.lists(st.text(max_size=12) | st.text(st.characters(max_codepoint=127), max_size=205), max_size=8))
def test_a_column_is_read_as_its_texts_are_one_by_one(texts: list[str]) -> None:
    whole = [text.encode(errors="replace").decode() for text in texts]  # Arrow has no halves of pairs
    ids = ids_of(pa.array(whole, pa.string()), "customer id")
    assert ids.values.to_pylist() == [_one(text) for text in whole]


def _one(text: str) -> str | None:
    try:
        return customer_id(text)
    except DataError:
        return None


def test_joined_parts_stay_apart() -> None:
    first = ids_of(pa.array(["1", "1-2", None, "a\x00"]), "customer id")
    last = ids_of(pa.array(["2-3", "3", "3", "3"]), "customer id")
    joined = joined_ids([first, last], "customer id")
    assert joined.values.to_pylist() == ["1-2-3", None, None, None]
    assert joined.unfit.tolist() == [False, True, False, True]
    assert "joins the parts" in joined.why(1)
    assert joined_ids([first, last], "event id").values.to_pylist() == ["1-2-3", "1-2-3", None, None]


@pytest.mark.parametrize("values", [[True], [None, False]])
def test_yes_and_no_are_not_ids(desk: Desk, values: list[bool]) -> None:
    rows = {name: [GOOD.get(name)] * len(values) for name in ("id", "time", "kind")}
    pq.write_table(pa.table({**rows, "customer": values}), desk.files / "crm.parquet")
    columns = {field: name for field, name in SOURCE.columns.items() if name in (*rows, "customer")}
    with pytest.raises(SourceError, match="type that does not fit: got bool, expected texts or whole numbers"):
        desk.run(replace(SOURCE, files=("crm.parquet",), columns=columns, properties={}))


@pytest.mark.parametrize(
    ("column", "reason"),
    [("id", Reason.EVENT_ID_UNFIT), ("customer", Reason.CUSTOMER_ID_UNFIT), ("mood", Reason.DECISION_ID_UNFIT)],
)
def test_a_row_with_an_unfit_id_is_quarantined(desk: Desk, column: str, reason: Reason) -> None:
    source = replace(SOURCE, columns={**SOURCE.columns, "decision_id": "mood"}, properties={})
    desk.put("crm.csv", csv_lines([GOOD, {**GOOD, "id": "e2", column: "K\u200b1"}]))
    report = desk.run(source)
    assert (report.total.accepted, report.total.reasons) == (1, {reason: 1})
    assert report.quarantine is not None
    assert "an invisible character: got 'K\\\\u200b1'" in report.quarantine.read_text()


def test_two_spellings_of_a_customer_are_one(desk: Desk) -> None:
    desk.run_rows({**GOOD, "customer": "Mu\u0308ller"}, {**GOOD, "id": "e2", "customer": " M\u00fcller"})
    assert desk.log.customer_count == 1
    assert desk.log.read_customer(customer_id("Mu\u0308ller")).num_rows == 2
