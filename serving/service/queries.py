"""Queries of the service about one customer or one decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from sqlalchemy import select

from decisioning.engine import DecisionContext
from decisioning.policies.rules import COUNT
from domain.decision import Candidate, Decision
from domain.errors import DataError, NotFoundError
from features.journey.lifecycle import stage_history
from features.moments import utc_microseconds
from features.table import FeatureTable
from nbo_client.messages import Catalogue, Customer, Explanation, Replay, Scores, StoredDecision
from records.decision_log import DecisionLog, LoggedDecision
from records.event_rows import moment_of
from records.journal import PENDING_PREFIX
from records.schema import WITHDRAWALS
from serving.customer_features import CustomerFeatures, Origin
from serving.reasons import reasons_of_record
from serving.replay import replay
from serving.scorers import PropensityScorer
from serving.service.clock import Clock
from serving.service.decision_request import may_be_scored
from serving.service.engine import LiveEngine

FormerModel = Callable[[Mapping[str, str]], PropensityScorer | None]

Rows = tuple[Mapping[str, Any], ...]

CONTACTS_SHOWN = 50
_LIMIT = "limit_"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEvent:
    """An event of a customer, as the event log or the journal has it."""

    occurred_at: datetime
    type: str
    channel: str | None
    product: str | None
    amount: float | None
    properties: Mapping[str, str]
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class QueryService:
    """Answers queries about customers and decisions; the caller writes the audit entry.

    Attributes:
        decision_log: Log of decisions.
        clock: Gives the current moment.
        engine: Returns the engine currently in use.
        decisions_folder: Folder that holds one folder per batch run.
        former_model: Returns the propensity model that a decision's versions cite; None if it is not kept.
    """

    decision_log: DecisionLog
    clock: Clock
    engine: Callable[[], LiveEngine]
    decisions_folder: Path
    former_model: FormerModel

    def customer(self, customer_id: str) -> Customer:
        """Return what is known of a customer.

        Raises:
            NotFoundError: Nothing is known of the customer.
            StateError: The event log or the journal does not answer.
        """
        engine, read = self.engine(), self._read(customer_id)
        bank, values = engine.bank, read.features.row(0)
        decided = self.decision_log.of_customer(customer_id, CONTACTS_SHOWN)
        if read.origin is Origin.NOTHING and not decided:
            raise NotFoundError("nothing is known of this customer", remedy="check that the id is the one in events")
        return Customer(
            customer_id=customer_id,
            as_of=read.as_of,
            attributes={name: values.get(name) for name in bank.vocabulary.attributes},
            stage={name: values.get(name) for name in ("stage", "previous_stage", "days_in_stage")},
            stage_history=self._stage_history(engine, customer_id, read),
            products=tuple(
                {"product": product, "held": values.get(f"{product}_held"), "step": values.get(f"{product}_step")}
                for product in bank.vocabulary.products
            ),
            limits=_limits(engine, read.features),
            decisions=tuple(_in_short(one) for one in decided),
            features_from=read.origin.value,
        )

    def events(self, customer_id: str, at_most: int) -> tuple[CustomerEvent, ...]:
        """Return a customer's latest events, newest first; contacts that were decided and not presented are left out.

        Args:
            customer_id: May be unknown.
            at_most: Number of events.

        Raises:
            StateError: The event log or the journal does not answer.
        """
        events = self.engine().reader.events(customer_id, self.clock.now())
        submitted = pc.invert(pc.starts_with(events["event_id"], PENDING_PREFIX))
        latest = events.filter(submitted).sort_by([("occurred_at", "descending"), ("event_id", "descending")])
        rows = latest.slice(0, at_most).select([field.name for field in fields(CustomerEvent)]).to_pylist()
        return tuple(CustomerEvent(**{**row, "properties": dict(row["properties"] or ())}) for row in rows)

    def scores(self, customer_id: str, channel: str | None) -> Scores:
        """Return a customer's scores without deciding, limited to the scores that decisions may use.

        Raises:
            DataError: There is no such channel.
        """
        engine, read = self.engine(), self._read(customer_id)
        channels = None if channel is None else [channel]
        [one] = engine.decider.decide_as_assigned(
            read.features,
            DecisionContext(as_of=utc_microseconds(read.as_of), seed=0, channels=channels),
            unknown=read.origin is Origin.NOTHING,
        )
        decided = one.decisions
        customers, candidates = may_be_scored(decided)
        churn = float(decided.features.columns["churn_probability"][0])
        propensity = decided.scores.propensity[0].tolist()
        return Scores(
            customer_id=customer_id,
            as_of=read.as_of,
            churn_probability=churn if customers[0] and not np.isnan(churn) else None,
            propensities=tuple(
                {"offer": offer.name, "channel": treatment.channel, "propensity": propensity[column]}
                for column, (offer, treatment) in enumerate(decided.policy.candidates.pairs)
                if treatment.channel in decided.channels and candidates[0, column] and not np.isnan(propensity[column])
            ),
            versions=dict(one.decider.versions),
            features_from=read.origin.value,
        )

    def decision(self, decision_id: str) -> StoredDecision:
        """Return a decision with its outcomes.

        Raises:
            NotFoundError: There is no such decision.
        """
        logged = self.decision_log.get(decision_id)
        outcomes = self._outcomes(logged)
        return StoredDecision(
            **_in_short(logged),
            customer_id=logged.customer_id,
            features_from=logged.features_from,
            versions=dict(logged.versions),
            offers=() if logged.record is None else tuple(_numbers(candidate) for candidate in logged.record.offers),
            fallback=None if logged.record is None else logged.record.fallback,
            outcomes=outcomes,
            # later outcomes revise earlier ones: a customer who did not answer yesterday may accept today
            outcome=outcomes[-1]["type"] if outcomes else None,
            withdrawn_at=self._withdrawn_at(decision_id),
        )

    def explanation(self, decision_id: str) -> Explanation:
        """Return the explanation of a decision: every rule's verdict on every candidate.

        Ranked offers come with what moved the model most; null where the model or the offer is not as it was.

        Raises:
            NotFoundError: There is no such decision.
            DataError: The decision belongs to a batch run, whose rejections are in the files of the run.
        """
        logged = self.decision_log.get(decision_id)
        decision = self._whole(logged)
        reasons = iter(self._reasons(logged, decision))
        return Explanation(
            decision_id=decision_id,
            customer_id=logged.customer_id,
            stage=decision.stage,
            arm=decision.arm,
            request=dict(decision.request),
            prices=dict(decision.prices),
            remaining=dict(decision.remaining),
            features=dict(decision.features),
            fallback=decision.fallback,
            candidates=tuple(
                {
                    **_numbers(candidate),
                    "reasons": [] if candidate.rank is None else next(reasons),
                    "verdicts": [asdict(one) for one in candidate.verdicts],
                }
                for candidate in decision.candidates
            ),
        )

    def replay(self, decision_id: str) -> tuple[str, Replay]:
        """Decide again and compare; return the customer of the decision, and the comparison.

        Raises:
            NotFoundError: There is no such decision.
            DataError: Other versions are in use now.
        """
        logged = self.decision_log.get(decision_id)
        decider = self.engine().decider.who_decided(logged.versions)
        now = decider.versions
        if dict(logged.versions) != now:
            changed = sorted(name for name in {*logged.versions, *now} if logged.versions.get(name) != now.get(name))
            raise DataError(
                "the decision was made with other versions than those in use now",
                got=f"different versions of {', '.join(changed)}",
                remedy="replay it with the bank's folder and the models of that time",
            )
        again = replay(logged, decider, self.decisions_folder)
        return logged.customer_id, Replay(
            decision_id=decision_id,
            same=again.same,
            differences=tuple(again.differences),
            offers=tuple(_numbers(candidate) for candidate in again.decision.offers),
        )

    def offers(self) -> Catalogue:
        """Return the bank's offers."""
        bank = self.engine().bank
        return Catalogue(
            bank=bank.identity.name,
            currency=bank.identity.currency,
            offers=tuple(
                {
                    "offer": offer.name,
                    "description": offer.description,
                    "product": offer.product,
                    "offer_class": offer.offer_class.value,
                    "stages": [stage.value for stage in offer.stages],
                    "valid_from": offer.valid_from,
                    "valid_until": offer.valid_until,
                    "tags": list(offer.tags),
                    "treatments": [
                        {"channel": one.channel, "message": one.message, "slot": one.slot} for one in offer.treatments
                    ],
                }
                for offer in bank.offers
            ),
        )

    def _read(self, customer_id: str) -> CustomerFeatures:
        return self.engine().reader.read(customer_id, self.clock.now(), live=True)

    def _stage_history(self, engine: LiveEngine, customer_id: str, read: CustomerFeatures) -> Rows:
        events = engine.reader.events(customer_id, read.as_of)
        bank = engine.bank
        found = stage_history(events, read.as_of, bank.feature_definitions)
        return tuple(found.select(["stage", "entered_at", "left_at", "previous_stage"]).to_pylist())

    def _outcomes(self, logged: LoggedDecision) -> Rows:
        events = self.engine().reader.events(logged.customer_id, self.clock.now())
        submitted = pc.invert(pc.starts_with(events["event_id"], PENDING_PREFIX))
        outcomes = events.filter(pc.and_(submitted, pc.equal(events["decision_id"], logged.decision_id)))
        return tuple(outcomes.sort_by("occurred_at").select(["type", "occurred_at", "channel"]).to_pylist())

    def _withdrawn_at(self, decision_id: str) -> datetime | None:
        query = select(WITHDRAWALS.c.withdrawn_at).where(WITHDRAWALS.c.decision_id == decision_id)
        with self.decision_log.database.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else moment_of(found)

    def _reasons(self, logged: LoggedDecision, decision: Decision) -> Iterator[list[Mapping[str, Any]] | None]:
        """Yield the reasons of each ranked offer."""
        decider = self.engine().decider
        same_models = decider.models == {name: logged.versions.get(name) for name in decider.models}
        model = decider.propensity if same_models else self.former_model(logged.versions)
        unknown = logged.features_from == Origin.NOTHING
        for reasons in reasons_of_record(decision, decider, model, unknown=unknown):
            yield None if reasons is None else [reason.to_json() for reason in reasons]

    def _whole(self, logged: LoggedDecision) -> Decision:
        if logged.record is None:
            raise DataError(
                "decisions of a batch run are explained by the files of the run",
                got=str(logged.part),
                remedy="read the rejections and features of that part",
            )
        return logged.record


def _limits(engine: LiveEngine, features: FeatureTable) -> Rows:
    counts = engine.decider.policy.names.counts
    found: list[Mapping[str, Any]] = []
    for limit in engine.bank.policy.contact_limits:
        names = sorted({name for members in counts[COUNT + limit.name] for name in members})
        found += [
            {
                "limit": limit.name,
                "counted": name.removeprefix(f"{_LIMIT}{limit.name}_").removesuffix(f"_{limit.days}d"),
                "count": int(features.columns[name][0]),
                "at_most": limit.at_most,
                "days": limit.days,
                "of": limit.of,
            }
            for name in names
            if name in features.columns
        ]
    return tuple(found)


def _in_short(logged: LoggedDecision) -> Mapping[str, Any]:
    return {
        "decision_id": logged.decision_id,
        "channel": logged.channel,
        "as_of": logged.as_of,
        "stage": logged.stage,
        "offer": logged.offer,
        "selection_probability": logged.selection_probability,
    }


def _numbers(candidate: Candidate) -> Mapping[str, Any]:
    return {one.name: getattr(candidate, one.name) for one in fields(candidate) if one.name != "verdicts"}
