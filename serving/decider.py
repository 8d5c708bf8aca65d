"""Score and decide: the same for everybody overnight and for one customer now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

import numpy as np

from config.bank import Bank
from decisioning.engine import Decisions, decide
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import STAGE, Traces
from decisioning.policies.candidates import Columns
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.requests import Said
from decisioning.policies.symbol_table import SCORES
from domain.decision import Decision
from domain.errors import DataError
from domain.offer import Offer, Treatment
from expressions.types import Array, ColumnType, Schema
from features.table import FeatureTable
from serving.scorers import ChurnScorer, PropensityScorer

CHURN_PROBABILITY = "churn_probability"
CUSTOMERS_PER_CHUNK = 4_096
"""Arrays of this many customers and some fifty candidates stay in the processor's cache: three times faster."""


class Decider:
    """A bank's policy with the models that answer for it.

    Without a churn model `churn_probability` is NULL; without a propensity model, and acceptance rates in its place, no
    candidate is scored, and the rule `scored` rejects them all: a missing model leads to no offer, never to a guess.

    Args:
        bank: Validated; its policy is compiled here. To try another one, give a bank in which it is replaced.
        churn: Champion, or None.
        propensity: Champion, or the acceptance rates that stand in for one, or None.
        versions: Names and digests of the models, as `{"churn": "7:ab12", "propensity": "9:cd34"}`.
        num_threads: Of the models: 1 answers one customer fastest, more decide for everybody sooner; the answers are
            the same.

    Attributes:
        policy: Compiled, in the bank's time zone.
        features: Names that a feature table must have: what rules, values and models read.
        versions: Of everything that takes part in a decision.

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
    ) -> None:
        self.bank = bank
        self.churn = churn
        self.propensity = propensity
        self.num_threads = num_threads
        self.policy = _compiled(bank)
        self._models = dict(versions or {})
        self._extended: tuple[Schema, Schema] | None = None
        self._pairs_of: dict[tuple[str, ...], tuple[Columns, tuple[tuple[Offer, Treatment], ...]]] = {}
        self.versions: dict[str, str] = {"bank": bank.digest, "policy": self.policy.digest, **self._models}
        wanted = set(self.policy.features) | ({STAGE} & set(bank.features.features))
        for model in (churn, propensity):
            wanted |= set() if model is None else set(model.names)
        self.features: tuple[str, ...] = tuple(sorted(wanted - set(SCORES)))
        self.schema: dict[str, ColumnType] = {
            **{name: bank.features.features[name].type for name in self.features},
            **SCORES,
        }

    def for_bank(self, bank: Bank) -> Decider:
        """Put the same models under another bank's offers, policy and budgets.

        Raises:
            DataError: Its policy has problems.
        """
        return Decider(bank, self.churn, self.propensity, self._models, num_threads=self.num_threads)

    def decide(
        self,
        features: FeatureTable,
        *,
        as_of: datetime | np.datetime64,
        seed: int,
        channels: Sequence[str] | None = None,
        request: Mapping[str, Said] | Sequence[Mapping[str, Said]] | None = None,
        prices: Mapping[str, float] | None = None,
        remaining: Mapping[str, float] | None = None,
        unknown: bool = False,
    ) -> Decisions:
        """Score and decide for n customers, n >= 1 or 0; arguments and errors as of `decisioning.engine.decide`.

        Of `unknown` customers nothing at all is known: where the policy declares a cold start they are given what it
        assumes, and scored by how often offers are accepted and customers leave, not by what models make of nothing.
        """
        cold = self.starts_cold(unknown=unknown)
        if cold:
            features = self._assumed(features)
        scored = self._with_churn(features, cold=cold)
        return decide(
            scored,
            self._propensity(features, channels, cold=cold),
            self.policy,
            as_of=as_of,
            seed=seed,
            channels=channels,
            versions=self.versions,
            request=request,
            prices=prices,
            remaining=remaining,
        )

    def starts_cold(self, *, unknown: bool) -> bool:
        """Tell whether customers are decided for by assumptions and priors."""
        return unknown and self.policy.assumed is not None

    def in_chunks(
        self,
        features: FeatureTable,
        *,
        as_of: datetime | np.datetime64,
        seed: int,
        customers: int = CUSTOMERS_PER_CHUNK,
        prices: Mapping[str, float] | None = None,
        remaining: Mapping[str, float] | None = None,
    ) -> Iterator[Decisions]:
        """Decide for many customers in all channels, so many at a time: memory is bounded, the answers are the same."""
        for start in range(0, len(features), customers):
            rows = np.arange(start, min(start + customers, len(features)))
            yield self.decide(features.take(rows), as_of=as_of, seed=seed, prices=prices, remaining=remaining)

    @cached_property
    def rule_book(self) -> RuleBook:
        """What the records of this decider have in common."""
        stage = {STAGE} & set(self.features)
        return RuleBook.of(self.policy, {*self.policy.features, *self.features, CHURN_PROBABILITY, *stage})

    def record(self, decisions: Decisions, customer: int, channel: str) -> Decision:
        """Write down the decision for one customer, by position, in one channel, with all it takes to replay it."""
        return self.traces(decisions).record(customer, channel)

    def traces(self, decisions: Decisions) -> Traces:
        """Give what writes these decisions down in short, as they are kept."""
        return Traces(decisions, self.rule_book)

    def _assumed(self, features: FeatureTable) -> FeatureTable:
        assumed = {name: np.full(len(features), value) for name, value in (self.policy.assumed or {}).items()}
        # of a record there is only what was read
        columns = {name: assumed.get(name, values) for name, values in features.columns.items()}
        return FeatureTable(features.customer_ids, features.as_of, columns, features.schema)

    def _with_churn(self, features: FeatureTable, *, cold: bool) -> FeatureTable:
        if self.churn is not None and not cold:
            probability = self.churn.predict(features, num_threads=self.num_threads)
        else:
            rate = None if self.churn is None else self.churn.rate
            probability = np.full(len(features), np.nan if rate is None else rate)
        # the same schema gives the same one again, so that models need not look at it again
        if self._extended is None or self._extended[0] is not features.schema:
            self._extended = features.schema, {**features.schema, **SCORES}
        columns = {**features.columns, CHURN_PROBABILITY: probability}
        return FeatureTable(features.customer_ids, features.as_of, columns, self._extended[1])

    def _propensity(self, features: FeatureTable, channels: Sequence[str] | None, *, cold: bool) -> Array:
        """Score the candidates of the channels asked for, all in one call; the others are not looked at."""
        candidates = self.policy.candidates
        if self.propensity is None:
            return np.full((len(features), len(candidates)), np.nan)
        if channels is None:
            return self._scores(self.propensity, features, candidates.pairs, cold=cold)
        columns, pairs = self._of_channels(tuple(channels))
        scores = np.full((len(features), len(candidates)), np.nan)
        if pairs:
            scores[:, columns] = self._scores(self.propensity, features, pairs, cold=cold)
        return scores

    def _scores(
        self, model: PropensityScorer, features: FeatureTable, pairs: Sequence[tuple[Offer, Treatment]], *, cold: bool
    ) -> Array:
        if cold:
            return model.prior(features, pairs)
        return model.predict(features, pairs, num_threads=self.num_threads)

    def _of_channels(self, channels: tuple[str, ...]) -> tuple[Columns, tuple[tuple[Offer, Treatment], ...]]:
        if channels not in self._pairs_of:
            candidates = self.policy.candidates
            known = [candidates.by_channel[channel] for channel in channels if channel in candidates.by_channel]
            columns = np.unique(np.concatenate(known)) if known else np.empty(0, dtype=np.intp)
            self._pairs_of[channels] = columns, tuple(candidates.pairs[column] for column in columns.tolist())
        return self._pairs_of[channels]


def _compiled(bank: Bank) -> CompiledPolicy:
    policy, problems = compile_policy(
        bank.policy, bank.offers, bank.vocabulary, bank.features, bank.budgets, time_zone=bank.time_zone
    )
    if problems:
        raise DataError(
            f"the policy of {bank.identity.name} has {len(problems)} problems",
            got=problems[0].sentence(),
            expected="none",
            remedy="run `nbo check` to see them all",
        )
    return policy
