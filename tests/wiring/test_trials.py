"""Replays of trials with real models from a real registry: those that decided, and those of the arms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from decisioning.policies.policy import Weight
from decisioning.policies.trial import Trial
from serving.trial_replays import OTHERWISE
from tests.serving.api.build import with_policy
from tests.wiring.rollout_world import CUSTOMERS, RolloutWorld
from wiring.models import publish_champions
from wiring.trials import reports_of_trials


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RolloutWorld]:
    world = RolloutWorld(tmp_path, monkeypatch)
    yield world
    world.parts.database.close()


def trial_of(world: RolloutWorld, models: dict[str, str] | None = None) -> Trial:
    return Trial(
        name="push", question="", arms={"usual": 0.5, "pushed": 0.5}, control="usual", expected_gain=1.0,
        starts=world.today.date(), ends=world.today.date() + timedelta(days=6), models=models or {},
    )  # fmt: skip


def test_decisions_are_replayed_with_the_models_that_made_them(world: RolloutWorld) -> None:
    first = world.train(1)
    lever = Weight(name="pushed", factor=6.0, offers=("budget_check",), when="trial_push = 'pushed'")
    world.parts.bank = with_policy(world.parts.bank, trials=(trial_of(world),), levers=(lever,))
    world.live(3)
    other = world.train(2, sign=-1.0)
    world.parts.models.registry.promote(other, by="test", why="it is another one", at=world.today)
    publish_champions(world.parts)
    world.live(1)
    assert world.parts.decider().models["demo-propensity"] == other.cited != first.cited
    [report] = reports_of_trials(world.parts, world.today)
    assert report.triggered is not None
    assert report.triggered.lost == {}, "files of the former champion are kept"
    found = report.triggered.result
    assert 0 < found.triggered <= found.customers == CUSTOMERS

    for files in world.parts.places.champions.glob(f"demo-propensity-{first.version}-*"):
        files.rename(files.with_name("gone"))
    [report] = reports_of_trials(world.parts, world.today)
    assert report.triggered is not None
    assert set(report.triggered.lost) == {OTHERWISE}


def test_each_arm_of_a_trial_of_models_is_replayed_with_its_own(world: RolloutWorld) -> None:
    world.train(1)
    second = world.train(2, sign=-1.0)
    world.parts.bank = with_policy(world.parts.bank, trials=(trial_of(world, {"pushed": second.version}),))
    publish_champions(world.parts)
    world.live(4)
    [report] = reports_of_trials(world.parts, world.today)
    assert report.triggered is not None
    assert report.triggered.lost == {}
    assert report.triggered.result.triggered > 0
    assert not world.parts.decider().beside.calls.take(), "replays are no calls of live models"
