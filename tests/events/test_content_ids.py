from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from events.content_ids import ContentIds
from events.fingerprints import content_fingerprints
from events.schema import PROPERTIES, table_of
from tests.events.build import event


@settings(deadline=None)
@given(numbers=st.lists(st.integers(0, 4), min_size=1, max_size=30), cut=st.integers(0, 30))
def test_ids_do_not_depend_on_how_a_file_is_cut_into_chunks(numbers: list[int], cut: int) -> None:
    table = table_of([event(number) for number in numbers])
    whole = ContentIds().next_ids(table).to_pylist()
    parts = ContentIds()
    cut_up = [*parts.next_ids(table.slice(0, cut)).to_pylist(), *parts.next_ids(table.slice(cut)).to_pylist()]
    assert cut_up == whole
    assert len(set(whole)) == len(whole)


def test_the_order_of_properties_does_not_change_the_content() -> None:
    table = table_of([event(1), event(1)])
    orders = pa.array([[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]], PROPERTIES)
    lanes = content_fingerprints(table.set_column(8, "properties", orders))
    assert (lanes[0] == lanes[1]).all()
    swapped = pa.array([[("a", "1"), ("b", "2")], [("a", "2"), ("b", "1")]], PROPERTIES)
    lanes = content_fingerprints(table.set_column(8, "properties", swapped))
    assert (lanes[0] != lanes[1]).any()
