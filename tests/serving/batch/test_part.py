from dataclasses import dataclass

import pyarrow.parquet as pq
import pytest

from decisioning.engine import DecisionContext
from decisioning.reporting.forensics import Forensics
from domain.errors import DataError, StateError
from records.decision_log import BATCH, DecisionLog
from serving.batch.part import OFFERS, REJECTIONS, PartResult, decide_part, part_file
from serving.batch.part_log import is_logged, log_part
from serving.replay import replay
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log


@pytest.fixture
def log(tmp_path):
    log = DecisionLog(f"sqlite:///{tmp_path / 'decisions.db'}")
    yield log
    log.close()


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))


@dataclass(frozen=True)
class Decided:
    result: PartResult
    new: int


def decided(log, folder, features):
    decider = small_decider()
    result = decide_part(decider, features, DecisionContext(as_of=AS_OF, seed=7), folder=folder, part="bucket-00")
    return Decided(result, log_part(log, folder, "bucket-00", seed=7, versions=[decider.versions]))


def test_a_part_is_written_and_what_it_offers_is_logged(tmp_path, log, everybody):
    done = decided(log, tmp_path / "run", everybody)
    result = done.result
    offers = pq.read_table(part_file(tmp_path / "run", OFFERS, "bucket-00"))
    rejected = pq.read_table(part_file(tmp_path / "run", REJECTIONS, "bucket-00"))
    assert (result.customers, result.offers) == (12, len(offers))
    assert result.funnel.allowed + len(rejected) == 12 * 3
    assert result.decisions == done.new == len(set(offers["decision_id"].to_pylist()))
    for row in offers.to_pylist():
        if row["rank"] == 1:
            logged = log.get(row["decision_id"])
            assert (logged.offer, logged.propensity, logged.features_from) == (row["offer"], row["propensity"], BATCH)
            assert logged.part == "run/bucket-00"


def test_a_part_is_logged_from_its_files_alone(tmp_path, log, everybody):
    decider = small_decider()
    decide_part(decider, everybody, DecisionContext(as_of=AS_OF, seed=7), folder=tmp_path / "run", part="bucket-00")
    assert not is_logged(log, tmp_path / "run", "bucket-00")
    assert log_part(log, tmp_path / "run", "bucket-00", seed=7, versions=[decider.versions]) > 0
    assert is_logged(log, tmp_path / "run", "bucket-00")
    assert log_part(log, tmp_path / "run", "bucket-00", seed=7, versions=[decider.versions]) == 0


def test_a_part_whose_offers_are_damaged_is_not_logged(tmp_path, log, everybody):
    decided(log, tmp_path / "run", everybody)
    part_file(tmp_path / "run", OFFERS, "bucket-00").write_bytes(b"half")
    with pytest.raises(StateError, match="cannot be read"):
        log_part(log, tmp_path / "run", "bucket-00", seed=7, versions=[])


def test_the_forensics_of_a_part_are_those_of_its_decisions(tmp_path, log, everybody):
    result = decided(log, tmp_path / "run", everybody).result
    whole = Forensics.of(small_decider().decide(everybody, DecisionContext(as_of=AS_OF, seed=7))).to_arrow()
    assert {name: table.to_pylist() for name, table in result.forensics.to_arrow().items()} == {
        name: table.to_pylist() for name, table in whole.items()
    }
    assert (result + result).forensics.compared == 2 * result.forensics.compared > 0


def test_doing_a_part_again_gives_the_same_files_and_logs_nothing_new(tmp_path, log, everybody):
    decided(log, tmp_path / "run", everybody)
    path = part_file(tmp_path / "run", OFFERS, "bucket-00")
    before = path.read_bytes()
    assert decided(log, tmp_path / "run", everybody).new == 0
    assert path.read_bytes() == before


def test_nothing_unfinished_is_left_behind(tmp_path, log, everybody):
    decided(log, tmp_path / "run", everybody)
    assert sorted(path.name for path in (tmp_path / "run").rglob("*.*")) == ["bucket-00.parquet"] * 3


def test_a_decision_of_a_batch_can_be_replayed(tmp_path, log, everybody):
    decided(log, tmp_path / "run", everybody)
    offers = pq.read_table(part_file(tmp_path / "run", OFFERS, "bucket-00")).to_pylist()
    for row in offers:
        again = replay(log.get(row["decision_id"]), small_decider(), tmp_path)
        assert again.same, again.differences
        assert row["offer"] in [candidate.offer for candidate in again.decision.offers]


def test_a_batch_whose_files_are_gone_cannot_be_replayed(tmp_path, log, everybody):
    decided(log, tmp_path / "run", everybody)
    [row, *_] = pq.read_table(part_file(tmp_path / "run", OFFERS, "bucket-00")).to_pylist()
    with pytest.raises(StateError, match="are gone"):
        replay(log.get(row["decision_id"]), small_decider(), tmp_path / "elsewhere")


def test_a_part_without_customers_is_an_error(tmp_path, log, everybody):
    with pytest.raises(DataError, match="has no customers"):
        decided(log, tmp_path / "run", everybody.take(everybody.customer_ids == "nobody"))


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, log, everybody):
    (tmp_path / "run").write_text("a file, not a folder")
    with pytest.raises(StateError, match="could not be written"):
        decided(log, tmp_path / "run", everybody)
