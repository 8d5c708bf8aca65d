"""Builds that add up: whatever way events came in and builds were made, the files are those of one build at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.bucket.one_bucket import BANK, Home
from tests.features.build import table
from tests.features.demo import random_log

LOG = table(random_log(BANK.vocabulary, customers=6, events=150, seed=5))
MIDNIGHTS = [datetime(2026, month, day, tzinfo=BANK.time_zone) for month, day in ((4, 1), (7, 2), (7, 3), (8, 12))]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("at_once"))
    home.log.append(LOG)
    home.build(MIDNIGHTS[-1])
    return home


@settings(deadline=None, max_examples=12)
@given(
    imports=st.lists(st.integers(0, 4), min_size=len(LOG), max_size=len(LOG)),
    builds=st.lists(st.sampled_from([None, *MIDNIGHTS]), min_size=5, max_size=5),
)
def test_any_sequence_of_imports_and_builds_gives_the_bytes_of_one(
    at_once: Home, imports: Sequence[int], builds: Sequence[datetime | None]
) -> None:
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        for number, midnight in enumerate(builds):
            home.log.append(LOG.filter(pa.array(np.array(imports) == number)))
            if midnight is not None:
                home.build(midnight)
        report = home.build(MIDNIGHTS[-1])
        assert home.content() == at_once.content()
        assert home.state() == at_once.state()
        assert home.build(MIDNIGHTS[-1])["computed"] == 0
        assert sum(pq.read_metadata(file).num_rows for file in home.parts.folder.iterdir()) == report["rows"]


def _known(before: datetime) -> pa.Table:
    return LOG.filter(pc.less(LOG["available_at"], pa.scalar(before, LOG["available_at"].type)))


def test_news_compute_the_months_that_are_not_over_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.log.append(_known(MIDNIGHTS[1]))
    before = home.build(MIDNIGHTS[1])
    home.log.append(LOG)
    after = home.build(MIDNIGHTS[-1])
    changed = {name for name, key in after["parts"].items() if before["parts"].get(name) != key}
    assert changed == {"bucket-000.2026-07"}
    assert 0 < after["computed"] < after["rows"] / 2


def test_late_news_touch_no_period_before_they_became_available(tmp_path: Path) -> None:
    home = Home(tmp_path)
    late = pc.and_(pc.equal(LOG["customer_id"], "c3"), _available_between("2026-05-01", "2026-07-01"))
    home.log.append(LOG.filter(pc.invert(late)))
    before = home.build(MIDNIGHTS[-1])
    home.log.append(LOG.filter(late))
    after = home.build(MIDNIGHTS[-1])
    changed = {name for name, key in after["parts"].items() if before["parts"].get(name) != key}
    assert "bucket-000.2026-q1" not in changed
    assert "bucket-000.2026-q2" in changed


def _available_between(first: str, last: str) -> pa.Array:
    begin, end = (
        pa.scalar(datetime.fromisoformat(day).replace(tzinfo=UTC), pa.timestamp("us", "UTC")) for day in (first, last)
    )
    return pc.and_(pc.greater_equal(LOG["available_at"], begin), pc.less(LOG["available_at"], end))
