"""The decider: scores and decides, in the same way for batch runs and single customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from time import thread_time_ns

import numpy as np
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.engine import DecisionContext, Decisions, decide
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import STAGE, Traces
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.symbol_table import SCORES
from domain.decision import Decision
from domain.errors import DataError
from domain.pause import Pause
from expressions.types import ColumnType
from features.table import FeatureTable
from serving.beside import MODEL_FAILURES, Beside, Calls, ModelArm
from serving.scorers import ChurnScorer, PropensityScorer
from serving.scoring import CHURN_PROBABILITY, Scoring

CUSTOMERS_PER_CHUNK = 4_096
"""For this many customers and some fifty candidates, arrays fit into the processor's cache: three times faster."""


@dataclass(frozen=True, slots=True)
class AssignedDecisions:
    """Decisions that were made by the same models.

    Attributes:
        rows: Positions of their customers.
        decider: Who made them; its versions are those of the decisions.
        decisions: The decisions, in the order of `rows`.
    """

    rows: NDArray[np.intp]
    decider: Decider
    decisions: Decisions


class Decider:
    """A bank's policy together with its models.

    Without a churn model `churn_probability` is NULL. Without a propensity model or acceptance rates no candidate is
    scored, and the rule `scored` rejects them all: a missing model leads to no offer, never to a guess.

    Args:
        bank: Validated bank; its policy is compiled here. To try another policy, pass a bank that has it.
        churn: Champion, or None.
        propensity: Champion, or the acceptance rates that replace it, or None.
        versions: Names and digests of the models, such as `{"churn": "7:ab12", "propensity": "9:cd34"}`.
        num_threads: Threads of the models: 1 is fastest for one customer, more are faster for many; results are equal.
        beside: Models beside the champions, which decide for the customers assigned to them.

    Attributes:
        policy: Compiled policy, in the bank's time zone.
        scoring: The models.
        features: Columns that a feature table must have: what rules, values and models read.
        models: Versions of the models.
        versions: Versions of everything that takes part in a decision.

    Raises:
        DataError: The policy has problems.
    """

    def __init__(
        self,
        bank: Bank,
        churn: ChurnScorer | None,
        propensity: PropensityScorer | None,
        versions: Mapping[str, str] | None = None,
        *,
        num_threads: int = 1,
        beside: Beside | None = None,
    ) -> None:
        self.bank = bank
        self.policy = _compiled(bank)
        self.models = dict(versions or {})
        self.beside = beside or Beside()
        self.scoring = Scoring(self.policy.candidates, churn, propensity, num_threads)
        self.versions: dict[str, str] = {"bank": bank.digest, "policy": self.policy.digest, **self.models}
        self._recorded = self._read_by(churn, propensity)
        shadow = None if self.beside.shadow is None else self.beside.shadow.scorer
        others = self._read_by(shadow, *(arm.scorer for arm in self.beside.arms))
        self.features: tuple[str, ...] = tuple(sorted(self._recorded | others))
        self.schema: dict[str, ColumnType] = {
            **{name: bank.features.features[name].type for name in self.features},
            **SCORES,
        }
        self._of_arm = tuple(None if arm.scorer is None else self._with(arm, arm.scorer) for arm in self.beside.arms)

    @property
    def churn(self) -> ChurnScorer | None:
        """The churn model, if there is one."""
        return self.scoring.churn

    @property
    def propensity(self) -> PropensityScorer | None:
        """The propensity model or what replaces it, if there is one."""
        return self.scoring.propensity

    def for_bank(self, bank: Bank) -> Decider:
        """Return a decider with the same models and another bank's offers, policy and budgets.

        Raises:
            DataError: The policy has problems.
        """
        threads = self.scoring.num_threads
        return Decider(bank, self.churn, self.propensity, self.models, num_threads=threads, beside=self.beside)

    def paused_by(self, pauses: tuple[Pause, ...]) -> Decider:
        """Return a decider that offers nothing that these pauses stop, whatever was paused before."""
        return self if pauses == self.bank.pauses else self.for_bank(replace(self.bank, pauses=pauses))

    def who_decided(self, versions: Mapping[str, str]) -> Decider:
        """Return the decider of this one and those beside it that has the versions of a decision, or else this one."""
        return next((one for one in self._of_arm if one is not None and one.versions == dict(versions)), self)

    def decide(
        self,
        features: FeatureTable,
        context: DecisionContext,
        *,
        unknown: bool = False,
        asked: Sequence[str] | None = None,
    ) -> Decisions:
        """Score and decide for n >= 0 customers; arguments and errors are those of `decisioning.engine.decide`.

        Nothing is known of `unknown` customers. If the policy declares a cold start, they get the features it assumes,
        and scores from average acceptance and churn rates rather than from a model without inputs.

        Args:
            features: The customers' features.
            context: Time, seed, channels and budgets.
            unknown: Whether nothing is known of the customers.
            asked: The one channel in which each customer's decision will be read: others are not scored for them, and
                offer nothing that needs a score. None for all channels of the context.
        """
        cold = self.starts_cold(unknown=unknown)
        if cold:
            features = self._assumed(features)
        scored = self.scoring.with_churn(features, cold=cold)
        scores = self.scoring.scores(features, context.channels, asked, cold=cold)
        return decide(scored, scores, self.policy, replace(context, versions=self.versions))

    def starts_cold(self, *, unknown: bool) -> bool:
        """Whether customers are decided for by assumptions and priors."""
        return unknown and self.policy.assumed is not None

    def in_chunks(
        self, features: FeatureTable, context: DecisionContext, *, customers: int = CUSTOMERS_PER_CHUNK
    ) -> Iterator[Decisions]:
        """Decide for many customers a chunk at a time to bound memory; the results are the same.

        Customers who are assigned to other models come in chunks of their own.
        """
        for start in range(0, len(features), customers):
            rows = np.arange(start, min(start + customers, len(features)))
            for assigned in self.decide_as_assigned(features.take(rows), context):
                yield assigned.decisions

    def decide_as_assigned(
        self,
        features: FeatureTable,
        context: DecisionContext,
        *,
        unknown: bool = False,
        asked: Sequence[str] | None = None,
    ) -> Iterator[AssignedDecisions]:
        """Decide for each customer with the models that they are assigned to; arguments are those of `decide`.

        Where such a model fails, the champion decides.
        """
        for rows, decider in self._assigned(features, context):
            part, there, channels = features, context, asked
            if len(rows) < len(features):
                part = features.take(rows)
                channels = None if asked is None else [asked[row] for row in rows.tolist()]
                if context.request is not None and not isinstance(context.request, Mapping):
                    there = replace(context, request=[context.request[row] for row in rows.tolist()])
            started = thread_time_ns()
            if decider is not self:
                try:
                    found = decider.decide(part, there, unknown=unknown, asked=channels)
                except MODEL_FAILURES:
                    self._count(decider, Calls(decisions=len(rows), failed=len(rows)))
                else:
                    self._count(decider, _timed(features, rows, started))
                    yield AssignedDecisions(rows, decider, found)
                    continue
            found = self.decide(part, there, unknown=unknown, asked=channels)
            self.count(_timed(features, rows, started))
            yield AssignedDecisions(rows, self, found)

    def count(self, calls: Calls) -> None:
        """Count what the propensity model in charge was called for."""
        cited = next((cited for name, cited in self.models.items() if name.endswith("propensity")), None)
        if cited is not None:
            self.beside.calls.add(cited, calls)

    def score_in_shadow(self, decisions: Decisions, nanoseconds: int | None = None) -> None:
        """Score what was decided with the model in the shadow, if there is one, and count it.

        Args:
            decisions: Decisions of this decider.
            nanoseconds: Processor time that they took; None where nobody waits, so that times do not count.
        """
        shadow = self.beside.shadow
        if shadow is None:
            return
        calls = shadow.score(decisions)
        if nanoseconds is None:
            calls = Calls(decisions=calls.decisions, failed=calls.failed)
        self.beside.calls.add(shadow.cited, calls + Calls(all_nanoseconds=nanoseconds or 0))

    def _assigned(self, features: FeatureTable, context: DecisionContext) -> Iterator[tuple[NDArray[np.intp], Decider]]:
        """Return the rows of each decider; every row belongs to one."""
        control, zone = self.bank.policy.control, self.policy.time_zone
        taken = self.beside.arm_of(features, control, zone, context.as_of, context.arms)
        for place in np.unique(taken).tolist() or [-1]:
            yield np.flatnonzero(taken == place), (None if place == -1 else self._of_arm[place]) or self

    def _count(self, decider: Decider, calls: Calls) -> None:
        arm = self.beside.arms[self._of_arm.index(decider)]
        self.beside.calls.add(arm.cited, calls)

    def _with(self, arm: ModelArm, scorer: PropensityScorer) -> Decider:
        """Return a decider in which the model of an arm stands in for the champion."""
        other = copy(self)
        other.scoring = Scoring(self.policy.candidates, self.churn, scorer, self.scoring.num_threads)
        other.beside, other._of_arm = Beside(), ()
        other.models = {**self.models, arm.name: arm.cited}
        other.versions = {**self.versions, **other.models}
        other._recorded = self._read_by(self.churn, scorer)
        return other

    def _read_by(self, *models: ChurnScorer | PropensityScorer | None) -> set[str]:
        wanted = set(self.policy.features) | ({STAGE} & set(self.bank.features.features))
        for model in models:
            wanted |= set() if model is None else set(model.names)
        return wanted - set(SCORES)

    @cached_property
    def rule_book(self) -> RuleBook:
        """What the records of this decider have in common."""
        return RuleBook.of(self.policy, {*self.policy.features, *self._recorded, CHURN_PROBABILITY})

    def record(self, decisions: Decisions, customer: int, channel: str) -> Decision:
        """Return the record of a customer's decision, by row and channel, with everything needed to replay it."""
        return self.traces(decisions).record(customer, channel)

    def traces(self, decisions: Decisions) -> Traces:
        """Return the traces of decisions: the compact form in which they are stored."""
        return Traces(decisions, self.rule_book)

    def _assumed(self, features: FeatureTable) -> FeatureTable:
        assumed = {name: np.full(len(features), value) for name, value in (self.policy.assumed or {}).items()}
        # features read from a record are only those that were used
        columns = {name: assumed.get(name, values) for name, values in features.columns.items()}
        return FeatureTable(features.customer_ids, features.as_of, columns, features.schema)


def _timed(features: FeatureTable, rows: NDArray[np.intp], started: int) -> Calls:
    """Count decisions; the time of a customer alone is comparable, that of many depends on how many they are."""
    if len(features) > 1:
        return Calls(decisions=len(rows))
    return Calls(decisions=1, timed=1, all_nanoseconds=thread_time_ns() - started)


def _compiled(bank: Bank) -> CompiledPolicy:
    policy, problems = compile_policy(
        bank.policy,
        bank.offers,
        bank.vocabulary,
        bank.features,
        bank.budgets,
        time_zone=bank.time_zone,
        pauses=bank.pauses,
    )
    if problems:
        raise DataError(
            f"the policy of {bank.identity.name} has {len(problems)} problems",
            got=problems[0].sentence(),
            expected="none",
            remedy="run `nbo check` to see them all",
        )
    return policy
