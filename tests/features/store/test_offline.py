from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from domain.errors import DataError, StateError
from expressions.types import Number
from features.store import offline as offline_module
from features.store.offline import OfflineFeatures
from features.table import FeatureTable
from tests.features.store.build import TYPES, catalogue, moments, offline, table


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OfflineFeatures]:
    """Register once: it takes most of a test's time, and none of these tests depends on it."""
    folder = tmp_path_factory.mktemp("bank") / "O'Brien & Söhne [1] *"
    return folder / "features", offline(folder)


@pytest.fixture
def store(shared: tuple[Path, OfflineFeatures]) -> OfflineFeatures:
    """Return a store without parts."""
    folder, store = shared
    for path in folder.iterdir():
        path.unlink()
    return store


@pytest.fixture
def folder(shared: tuple[Path, OfflineFeatures]) -> Path:
    """Return the folder of that store's parts."""
    return shared[0]


NAN = float("nan")
ROWS = moments(("c1", "2026-01-01T10:00:00.123456"), ("c2", "2026-01-01"), ("c1", "2026-02-01"), ("c3", "2025-12-31"))
WRITTEN = table(
    ROWS,
    activity_count_30d=[1.5, NAN, -0.25, 1e11],
    savings_held=[1.0, 0.0, NAN, 1.0],
    region=[1.0, NAN, 0.0, 1.0],
)


def assert_same(got: FeatureTable, expected: FeatureTable) -> None:
    assert list(got.customer_ids) == list(expected.customer_ids)
    np.testing.assert_array_equal(got.as_of, expected.as_of)
    assert list(got.columns) == list(expected.columns)
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(got.columns[name], values, err_msg=name)
    assert got.schema == expected.schema


def test_what_is_written_comes_back(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN)
    assert_same(store.training_set(ROWS, store.names), WRITTEN)


def test_rows_come_in_the_order_of_the_moments_and_repeated_ones_stay(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN.take(np.array([0, 1])))
    store.write("second", WRITTEN.take(np.array([2, 3])))
    asked = np.array([3, 0, 3, 2, 1, 0])
    assert_same(
        store.training_set(moments(*[(ROWS.customer_ids[i], str(ROWS.as_of[i])) for i in asked]), store.names),
        WRITTEN.take(asked),
    )


def test_more_moments_than_one_query_takes(store: OfflineFeatures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_module, "MOMENTS_PER_QUERY", 3)
    store.write("first", WRITTEN)
    assert_same(store.training_set(ROWS, store.names), WRITTEN)


def test_features_are_those_asked_for_in_that_order(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN)
    names = ["region", "activity_count_30d"]
    assert_same(store.training_set(ROWS, names), WRITTEN.select(names))


def test_features_of_a_service(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN)
    assert_same(store.training_set(ROWS, "churn"), WRITTEN.select(["region", "savings_held"]))


def test_a_column_without_any_value_stays_null(store: OfflineFeatures) -> None:
    nothing = table(ROWS, **{name: [NAN] * 4 for name in TYPES})
    store.write("first", nothing)
    assert_same(store.training_set(ROWS, store.names), nothing)


def test_a_later_row_is_never_joined(tmp_path: Path) -> None:
    store = offline(tmp_path, maximum_age=timedelta(days=400))
    rows = moments(("c1", "2026-01-01"), ("c1", "2026-01-02T00:00:00.000001"))
    store.write("first", table(rows, activity_count_30d=[1.0, 2.0]))
    got = store.training_set(moments(("c1", "2026-01-02")), ["activity_count_30d"])
    assert got.columns["activity_count_30d"].tolist() == [1.0]
    with pytest.raises(DataError, match="for 1 of 1 moments"):
        store.training_set(moments(("c1", "2025-12-31T23:59:59.999999")), ["activity_count_30d"])


def test_an_earlier_row_is_not_joined_where_rows_must_be_exact(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN)
    asked = moments(("c2", "2026-01-01T00:00:00.000001"), ("c2", "2026-01-01"), ("c9", "2026-01-01"))
    with pytest.raises(DataError, match=r"2 of 3 moments.*'c2' as of 2026-01-01T00:00:00.000001"):
        store.training_set(asked, store.names)


def test_a_row_as_old_as_allowed_is_joined_and_an_older_one_is_not(tmp_path: Path) -> None:
    store = offline(tmp_path, maximum_age=timedelta(days=1))
    store.write("first", table(moments(("c1", "2026-01-01")), activity_count_30d=[4.0]))
    at_the_edge = store.training_set(moments(("c1", "2026-01-02")), ["activity_count_30d"])
    assert at_the_edge.columns["activity_count_30d"].tolist() == [4.0]
    with pytest.raises(DataError, match="at most 1 day, 0:00:00 older"):
        store.training_set(moments(("c1", "2026-01-02T00:00:00.000001")), ["activity_count_30d"])


def test_a_part_is_replaced_as_a_whole(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN)
    store.write("first", WRITTEN.take(np.array([0])))
    assert_same(store.training_set(moments(("c1", str(ROWS.as_of[0]))), store.names), WRITTEN.take(np.array([0])))
    with pytest.raises(DataError, match="3 of 4 moments"):
        store.training_set(ROWS, store.names)


def test_a_crash_while_writing_leaves_the_earlier_part(
    store: OfflineFeatures, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("first", WRITTEN, "one")

    def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(pq, "write_table", full_disk)
    with pytest.raises(OSError, match="no space"):
        store.write("first", WRITTEN.take(np.array([0])), "two")
    assert store.fingerprints() == {"first": "one"}
    assert [path.name for path in folder.iterdir()] == ["first.parquet"]


def test_stale_parts_are_removed_and_current_ones_stay(store: OfflineFeatures) -> None:
    for part, fingerprint in (("a", "1"), ("b", "1"), ("c", "1")):
        store.write(part, WRITTEN, fingerprint)
    assert store.remove_stale({"a": "1", "b": "2"}) == ("b", "c")
    assert store.fingerprints() == {"a": "1"}


def test_what_a_crash_left_behind_is_removed(store: OfflineFeatures, folder: Path) -> None:
    (folder / "a.unfinished").write_bytes(b"half")
    assert store.remove_stale({}) == ()
    assert list(folder.iterdir()) == []


def test_parts_of_another_catalogue_are_not_current_and_not_read(tmp_path: Path) -> None:
    offline(tmp_path).write("first", WRITTEN, "1")
    more = offline(tmp_path, catalogue({**TYPES, "login_count_7d": Number()}))
    assert more.fingerprints() == {}
    with pytest.raises(StateError, match="'first' holds different features"):
        more.training_set(ROWS, ["region"])
    assert more.remove_stale({"first": "1"}) == ("first",)


def test_internal_features_are_not_written(tmp_path: Path) -> None:
    features = catalogue(internal=["limit_count"])
    store = offline(tmp_path, features)
    store.write("first", table(ROWS, {**TYPES, "limit_count": Number()}))
    assert "limit_count" not in pq.read_schema(tmp_path / "features" / "first.parquet").names
    with pytest.raises(DataError, match="no such feature is stored offline"):
        store.training_set(ROWS, ["limit_count"])


def test_files_hold_named_columns_with_words_and_utc(store: OfflineFeatures, folder: Path) -> None:
    store.write("first", WRITTEN)
    schema = pq.read_schema(folder / "first.parquet")
    assert [f"{field.name} {field.type}" for field in schema] == [
        "customer_id string",
        "as_of timestamp[us, tz=UTC]",
        "activity_count_30d double",
        "savings_held bool",
        "region string",
        "computed_as_of timestamp[us, tz=UTC]",
    ]


def test_a_table_without_rows_is_refused(store: OfflineFeatures) -> None:
    with pytest.raises(DataError, match="no features to write as part 'first'"):
        store.write("first", WRITTEN.take(np.array([], dtype=np.intp)))


def test_a_table_that_lacks_a_feature_is_refused(store: OfflineFeatures) -> None:
    with pytest.raises(DataError, match="no such feature"):
        store.write("first", WRITTEN.select(["region"]))


@pytest.mark.parametrize("part", ["", "../first", "a/b", ".hidden"])
def test_a_part_with_a_name_that_is_no_file_name_is_refused(store: OfflineFeatures, part: str) -> None:
    with pytest.raises(DataError, match="cannot have this name"):
        store.write(part, WRITTEN)


def test_no_moments_are_refused(store: OfflineFeatures) -> None:
    with pytest.raises(DataError, match="no moments"):
        store.training_set(moments(), ["region"])


def test_a_training_set_before_any_part_is_refused(store: OfflineFeatures) -> None:
    with pytest.raises(DataError, match="no features have been written"):
        store.training_set(ROWS, ["region"])


def test_an_unknown_service_is_refused(store: OfflineFeatures) -> None:
    store.write("first", WRITTEN)
    with pytest.raises(StateError, match="'churn' \\(did you mean it"):
        store.training_set(ROWS, "chur")


def test_a_damaged_part_is_named(store: OfflineFeatures, folder: Path) -> None:
    (folder / "first.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(StateError, match="part 'first' of the features cannot be read"):
        store.training_set(ROWS, ["region"])
