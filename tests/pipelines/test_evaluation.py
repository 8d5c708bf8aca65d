"""Proposals put to the evaluation, over decisions of a small world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config.reading import load_bank
from domain.errors import DataError, NotFoundError
from domain.offer import OfferClass
from pipelines.evaluation import earlier_training_day, evaluate_logged
from serving.what_if.evaluations import evaluation_of_policy
from tests.pipelines.small_bank import DEMO
from tests.wiring.rollout_world import RolloutWorld
from wiring.proposals import proposals_of

PUSHED = "name: care_first\nfactor: 3.0\ntags: [service]\n"
LOGINS = (
    "  - {name: logins, aggregate: count, where: {group: login}, windows_days: [30], unit: events, topic: activity, "
)
LOGINS += "description: Logins}\n"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RolloutWorld]:
    world = RolloutWorld(tmp_path, monkeypatch)
    yield world
    world.parts.database.close()


def with_logins(world: RolloutWorld) -> None:
    """Declare in the bank's folder what the world's model reads."""
    file = world.parts.folder / "features.yaml"
    file.write_text(file.read_text().replace("aggregates:\n", f"aggregates:\n{LOGINS}", 1))


def test_another_policy_is_scored_by_the_model_that_is_named_on_what_came_after_its_training(
    world: RolloutWorld,
) -> None:
    first, second = world.train(1), world.train(2)
    world.live(6)
    with_logins(world)
    change = world.parts.folder.parent / "care.yaml"
    change.write_text(f"policies:\n  levers:\n    - {{{', '.join(PUSHED.splitlines())}}}\n")
    records = [evaluate_logged(world.parts, change, world.today, one.version) for one in (first, second)]
    assert [record.subject for record in records] == [f"care.yaml with {one.version}" for one in (first, second)]
    propensities = [record.versions[f"{world.parts.name}-propensity"].split(":")[0] for record in records]
    assert propensities == [first.version, second.version]
    with pytest.raises(DataError, match="two models are named"):
        evaluate_logged(world.parts, Path(first.version), world.today, second.version)


def test_a_proposal_is_evaluated_as_the_policy_it_would_make_and_found_by_it(world: RolloutWorld) -> None:
    parts = world.parts
    world.train(1)
    world.live(6)
    with_logins(world)
    proposals = proposals_of(parts, parts.decider)
    proposal = proposals.draft("anna", "lever", "care_first", PUSHED)
    record = evaluate_logged(parts, Path("proposal:1"), world.today)
    assert (record.kind, record.subject, record.bank) == ("policy", "proposal:1", parts.name)
    found = evaluation_of_policy(parts.places.figures, proposals.bank_with(proposal).digest)
    assert found is not None
    assert repr(found) == repr(record), "repr, because NaN equals nothing"
    assert evaluation_of_policy(parts.places.figures, parts.bank.digest) is None
    with pytest.raises(NotFoundError, match="there is no such proposal"):
        evaluate_logged(parts, Path("proposal:2"), world.today)


def test_a_recorded_past_can_judge_a_model_of_nine_weeks_before_the_longest_window() -> None:
    demo, latest = load_bank(DEMO), datetime(2026, 6, 24, 21, 20, tzinfo=UTC)
    longest = max(offer.response_window_days for offer in demo.offers if offer.offer_class is OfferClass.COMMERCIAL)
    assert earlier_training_day(demo, latest) == date(2026, 6, 24) - timedelta(days=longest + 63)
    contacts = replace(demo.vocabulary.contacts, selection_probability_property=None)
    without = replace(demo, vocabulary=replace(demo.vocabulary, contacts=contacts))
    assert earlier_training_day(without, latest) is None
    assert earlier_training_day(replace(demo, vocabulary=replace(demo.vocabulary, contacts=None)), latest) is None
