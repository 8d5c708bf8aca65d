"""A small bank that lives day by day with real models from a real registry, and knows who would accept what."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import thread_time_ns

import numpy as np
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.policy import Exploration
from domain.event import Event
from events.log import EventLog
from events.schema import table_of
from expressions.types import Array
from features.compute import compute_features
from features.moments import Moments
from features.responses import Responses
from features.table import FeatureTable
from models.evaluation.evaluation import evaluate
from models.evaluation.pictures import draw_reliability
from models.gate import judge_challenger
from models.learners import BUILT_IN
from models.propensity.families import families_of
from models.propensity.impressions import Impressions, impressions
from models.registry import RegisteredModel
from models.settings import Gate, Learning, Rollout, Training
from models.tracking.runs import RunFindings, log_run
from records.model_calls import add_calls
from tests.models.evaluation.worlds import judged_world
from tests.models.tracking.builders import facts
from tests.pipelines.small_bank import DEMO
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, small_bank
from tests.tracking_store import tracking_store
from wiring.components import Components, reload_components

CUSTOMERS, A_DAY = 60, 30
LONGEST = 40
"""Days that the world lasts."""

EVERY = (1, 2, 5, 10)
"""Customers of four kinds log in every so many days."""

NAMES = ("logins_30d",)
TRAINED = AS_OF - timedelta(days=1)
SETTINGS = Rollout(required=True, slice_share=0.5, maximum_loss=0.3, maximum_more_time=1.0, groups=("region",))
"""With two offers the shadow scores nearly as much as the champion does."""


class RolloutWorld:
    """The bank, its clock, and what its customers do.

    Attributes:
        parts: Components of the bank.
        today: Moment of the day.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: Rollout = SETTINGS) -> None:
        monkeypatch.setenv("NBO_HOME", str(folder / "home"))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_store(folder / "home" / "mlflow" / "mlflow.db"))
        parts = reload_components(Path(shutil.copytree(DEMO, folder / "bank")))
        bank = with_policy(small_bank(), exploration=Exploration(epsilon=0.8, top=2, floor=0.01), rules=())
        offers = tuple(replace(offer, response_window_days=3) for offer in bank.offers)
        models = replace(bank.models, rollout=settings, churn=None)
        bank = replace(bank, offers=offers, models=models, identity=replace(bank.identity, name=parts.name))
        self.parts: Components = parts.with_bank(bank)
        self.today = AS_OF - timedelta(days=30)
        regions = ("north", "south")
        known = [
            self._event("customer_attributes", _name(number), properties={"region": regions[number // 4 % 2]})
            for number in range(CUSTOMERS)
        ]
        for _ in range(30 + LONGEST):
            known += self._logins()
            self.today += timedelta(days=1)
        self.today = AS_OF
        EventLog(self.parts.places.log, buckets=2).append(table_of(known))
        self._random = np.random.default_rng(11)

    def train(self, seed: int, *, sign: float = 1.0, form: str = "logistic", passed: bool = True) -> RegisteredModel:
        """Fit a model on made-up impressions, and register it as a training does.

        Args:
            seed: Of the impressions.
            sign: -1 for a model that has learned the contrary of what customers do.
            form: Learner.
            passed: Whether it passes its gate.
        """
        rows = self._impressions(seed, sign)
        bank = self.parts.bank
        families = families_of(bank.features, NAMES, bank.offers)
        learner = BUILT_IN[form](Learning())
        model = learner.fit_propensity(rows, NAMES, families, Training(), num_threads=1)
        held_out = judged_world(rows=400)
        evaluation = evaluate(held_out, replicates=5)
        gate = Gate(minimum_positives=10 if passed else 10**9, maximum_calibration_error=1.0)
        run = log_run(
            self.parts.models.store,
            facts(bank=self.parts.name, model="propensity", data_last=TRAINED, offers=bank.offers),
            model,
            RunFindings(
                held_out=held_out,
                evaluation=evaluation,
                report=judge_challenger(evaluation, {"logins": 0.6}, gate, champion=None),
                pictures={"reliability.png": draw_reliability(evaluation.reliability, "small")},
            ),
        )
        return self.parts.models.registry.register(run, waits=True)

    def live(self, days: int) -> None:
        """Decide for some customers every day, as the service does, and let them answer."""
        for _ in range(days):
            decider = self.parts.decider()
            features = self.features([_name(number) for number in self._random.permutation(CUSTOMERS)[:A_DAY].tolist()])
            context = DecisionContext(as_of=self.today, seed=7, channels=["app"])
            events: list[Event] = []
            started = thread_time_ns()
            for made in decider.decide_as_assigned(features, context):
                decider.score_in_shadow(made.decisions, thread_time_ns() - started)
                for row in range(len(made.decisions)):
                    decision = made.decider.record(made.decisions, row, "app")
                    self.parts.decision_log.append(decision, "log")
                    events += self._answers(decision.decision_id, decision.customer_id, decision.offers[0].offer)
            calls = decider.beside.calls.take()
            counts = {
                version: {name: getattr(one, name) for name in type(one).__slots__} for version, one in calls.items()
            }
            add_calls(self.parts.database, self.today.date(), counts)
            self.parts.log.append(table_of(events))
            self.today += timedelta(days=1)

    def features(self, customers: list[str]) -> FeatureTable:
        tables, bank = [], self.parts.bank
        for bucket in range(self.parts.log.buckets):
            events = self.parts.log.read_bucket(bucket)
            there = sorted(set(events["customer_id"].to_pylist()) & set(customers))
            if there:
                tables.append(compute_features(events, Moments.at(there, self.today), bank.feature_definitions))
        return FeatureTable.concatenate(tables)

    def _logins(self) -> list[Event]:
        day = (self.today - AS_OF).days
        there = [number for number in range(CUSTOMERS) if day % EVERY[number % len(EVERY)] == 0]
        return [self._event("login", _name(number), minutes=-60) for number in there]

    def _answers(self, decision: str, customer: str, offer: str) -> list[Event]:
        [chance] = _chances(np.array([30.0 / EVERY[int(customer[1:]) % len(EVERY)]]), [offer])
        kinds = ["offer_presented", *(["offer_accepted"] if self._random.random() < chance else [])]
        return [
            self._event(kind, customer, minutes=minutes, decision=decision, properties={"offer": offer})
            for minutes, kind in enumerate(kinds, start=1)
        ]

    def _event(
        self,
        kind: str,
        customer: str,
        *,
        minutes: int = 0,
        decision: str | None = None,
        properties: dict[str, str] | None = None,
    ) -> Event:
        at = self.today + timedelta(minutes=minutes)
        return Event(
            event_id=f"{kind}-{customer}-{at:%Y%m%d}-{decision}",
            customer_id=customer,
            type=kind,
            occurred_at=at,
            available_at=at,
            channel=None if kind == "customer_attributes" else "app",
            properties=properties or {},
            decision_id=decision,
        )

    def _impressions(self, seed: int, sign: float) -> Impressions:
        random, count, bank = np.random.default_rng(seed), 1_500, self.parts.bank
        logins = 30.0 / np.array(EVERY)[random.integers(0, len(EVERY), count)]
        offer = np.array(["savings_plus", "budget_check"], dtype=object)[random.integers(0, 2, count)]
        chance = _chances(logins if sign > 0.0 else 33.0 - logins, offer.tolist())
        ids = np.array([f"t{number}" for number in range(count)], dtype=object)
        as_of = np.datetime64("2026-01-01", "us") + np.arange(count) * np.timedelta64(3_600_000_000, "us")
        schema = {name: bank.features.features[name].type for name in NAMES}
        accepted = random.random(count) < chance
        responses = Responses(
            customer_ids=ids,
            presented_at=as_of,
            offer=offer,
            channel=np.full(count, "app", dtype=object),
            decision_id=np.full(count, None, dtype=object),
            selection_probability=np.full(count, np.nan),
            accepted=accepted,
            answered_at=np.full(count, np.datetime64("NaT"), dtype="datetime64[us]"),
            known_at=as_of + np.timedelta64(3, "D"),
            matured=np.ones(count, dtype=bool),
        )
        families = families_of(bank.features, NAMES, bank.offers)
        return impressions(FeatureTable(ids, as_of, {"logins_30d": logins}, schema), responses, bank.offers, families)


def _name(number: int) -> str:
    return f"c{number:02d}"


def _chances(logins: Array, offers: list[str]) -> Array:
    """Return who accepts: those who log in often rather take savings, the others a check of their budget."""
    often = 0.05 + 0.02 * logins
    chances: Array = np.where(np.array(offers) == "savings_plus", often, 0.7 - often)
    return chances
