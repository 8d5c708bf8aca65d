"""A world whose truth is known: decisions that were logged, presented and answered."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from decisioning.engine import DecisionContext
from decisioning.policies.policy import Exploration, Weight
from domain.event import Event
from events.schema import table_of
from events.vocabulary import ContactEvents, Property
from features.moments import utc_microseconds
from records.decision_log import DecisionLog
from serving.batch.part import decide_part
from serving.batch.part_log import log_part
from serving.what_if.evaluation_arrays import evaluation_arrays
from serving.what_if.logged import logged_outcomes
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, OFFER_PROPERTY, VOCABULARY, features_of_all, small_bank, small_decider, small_log

CUSTOMERS = 600
ACCEPTS = {"savings_plus": 0.1, "budget_check": 0.6}
PRESENTED = replace(
    VOCABULARY.types["offer_presented"], properties={**OFFER_PROPERTY, "chance": Property(type="number")}
)
WITH_CHANCE = replace(
    VOCABULARY,
    types={**VOCABULARY.types, "offer_presented": PRESENTED},
    contacts=ContactEvents(
        presented="offer_presented", accepted="offer_accepted", selection_probability_property="chance"
    ),
)
BANK = with_policy(small_bank(vocabulary=WITH_CHANCE), exploration=Exploration(epsilon=0.8, top=2), rules=())
CARE_FIRST = with_policy(
    BANK, exploration=Exploration(epsilon=0.0, floor=0.0), levers=(Weight(name="care", factor=20.0, tags=("service",)),)
)
SAVINGS_FIRST = with_policy(
    BANK, exploration=Exploration(epsilon=0.0, floor=0.0), levers=(Weight(name="care", factor=0.05, tags=("service",)),)
)
LATER = AS_OF + timedelta(days=40)


class World:
    """Decisions that were presented and answered as the world says; logged unless `elsewhere`, by another system."""

    def __init__(self, folder, *, batch=False, elsewhere=False, chance=None, bank=BANK):
        self.folder = folder
        self.log = small_log(folder / "log", CUSTOMERS)
        self.decision_log = DecisionLog(f"sqlite:///{folder / 'decisions.db'}")
        decider, features = small_decider(bank), features_of_all(bank, self.log)
        context = DecisionContext(as_of=utc_microseconds(AS_OF), seed=7, channels=["app"])
        decided = decider.decide(features, context)
        self.decisions = [decider.record(decided, row, "app") for row in range(len(features))]
        if batch:
            run = folder / "decisions" / "run"
            whole = replace(context, channels=None)
            decide_part(decider, features, whole, folder=run, part="bucket-00")
            log_part(self.decision_log, run, "bucket-00", seed=7, versions=[decider.versions])
            together = decider.decide(features, whole)
            self.decisions = [decider.record(together, row, "app") for row in range(len(features))]
        elif not elsewhere:
            for decision in self.decisions:
                self.decision_log.append(decision, "log")
        draw, events = np.random.default_rng(3).random(len(self.decisions)), []
        for decision, luck in zip(self.decisions, draw, strict=True):
            first = decision.offers[0]
            put = {"offer": first.offer, "chance": str(first.selection_probability if chance is None else chance)}
            events.append(_event("offer_presented", decision, put, 0 if elsewhere else 1))
            if luck < ACCEPTS[first.offer]:
                events.append(_event("offer_accepted", decision, {"offer": first.offer}, 60))
        self.log.append(table_of(events))

    def outcomes(self, until=LATER):
        return logged_outcomes(self.decision_log, self.log, BANK, until)

    def evaluated(self, bank):
        arrays = evaluation_arrays(self.outcomes(), small_decider(bank), self.log, self.folder / "decisions")
        return arrays, arrays.evaluation()

    def truth(self, bank):
        """What a policy earns for each decision: every offer's chance, probability of acceptance and value."""
        decided = small_decider(bank).decide(
            features_of_all(bank, self.log), DecisionContext(as_of=utc_microseconds(AS_OF), seed=7, channels=["app"])
        )
        accepts = np.array([ACCEPTS[offer.name] for offer, _ in decided.policy.candidates.pairs])
        return float((decided.ranking.selection_probability * accepts * decided.scores.value).sum(axis=1).mean())


def _event(kind, decision, properties, minutes):
    at = AS_OF + timedelta(minutes=minutes)
    return Event(
        event_id=f"{kind}-{decision.decision_id}", customer_id=decision.customer_id, type=kind, occurred_at=at,
        available_at=at, channel="app", properties=properties, decision_id=decision.decision_id,
    )  # fmt: skip
