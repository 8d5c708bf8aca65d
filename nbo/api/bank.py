"""A bank as its runs have left it, in tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import DataError, ModelError, StateError, nearest
from nbo.api.champion import Champion

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from serving.customer import Answer
    from wiring.components import Components

_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Bank:
    """A bank's events, features, decisions and models. Made by `open_bank`.

    Moments without a time zone are in the bank's. Features and labels are as they were known at their moments.
    """

    def __init__(self, components: Components) -> None:
        self._parts = components

    def __repr__(self) -> str:
        """Say which one it is."""
        return f"<bank {self.name}>"

    @property
    def name(self) -> str:
        """Of the bank."""
        return self._parts.name

    @property
    def latest(self) -> datetime:
        """The moment just after the latest news of the event log."""
        return self._parts.latest()

    @property
    def catalogue(self) -> pd.DataFrame:
        """What features there are: name, kind, unit, topic, description, and whether models may not see it."""
        import pandas as pd

        features = self._parts.bank.features.features.values()
        rows = [
            {
                "name": one.name,
                "kind": type(one.type).__name__.lower(),
                "unit": one.unit,
                "topic": one.topic,
                "description": one.description,
                "personal": one.personal,
            }
            for one in features
            if not one.internal
        ]
        return pd.DataFrame(rows)

    def features(self, moments: pd.DataFrame | None = None, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Compute features from the log: of everybody as of the last midnight, or of any customers at any moments.

        Args:
            moments: With `customer_id` and `as_of`, in any order; other columns do not matter.
            names: Features wanted, in that order; all where not given.

        Returns:
            customer_id, as_of (UTC) and the features; a row for each moment, in their order.

        Raises:
            NboError: There is no such feature, or a moment is none.
        """
        from nbo.api.computing import features_at_moments, features_of_everybody

        wanted = self._names(names)
        if moments is None:
            return features_of_everybody(self._parts, wanted)
        return features_at_moments(self._parts, moments, wanted)

    def training_set(self, model: str, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Give what a model learns from: features as of past moments, joined by Feast, and what came of them.

        Args:
            model: `churn`: customers of the label's population at its anchors, with `churned`. `propensity`: offers as
                they were presented, with offer, channel, decision_id, and whether they were `accepted` in time.
            names: Features wanted; those that the model learns from where not given.

        Returns:
            customer_id, as_of (UTC), the features and the label. What cannot be known yet as of the last build of
            features is missing in the label.

        Raises:
            NboError: There is no such model or feature, or the features have not been built yet.
        """
        from nbo.api.computing import churn_set, propensity_set

        self._check(model)
        wanted = model if names is None else self._names(names)
        return (churn_set if model == "churn" else propensity_set)(self._parts, self._built_until(), wanted)

    def churned(self, moments: pd.DataFrame) -> pd.Series:
        """Say who churned after any moments, as the bank defines it; missing where it is not known today.

        Args:
            moments: As of `features`.

        Returns:
            `boolean`, with the index of the moments.
        """
        from nbo.api.computing import churned_after

        return churned_after(self._parts, moments, self.latest)

    def events(self, types: Sequence[str] | None = None, customers: Sequence[str] | None = None) -> pa.Table:
        """Read the event log, as Arrow; `.to_pandas()` makes a frame of it.

        Args:
            types: Only these event types.
            customers: Only of these; the rest of the log is not read.

        Raises:
            NboError: There is no such event type.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        from events.vocabulary import ATTRIBUTES_TYPE

        log, known = self._parts.log, (*self._parts.bank.vocabulary.types, ATTRIBUTES_TYPE)
        for name in types or ():
            if name not in known:
                raise DataError("no such event type", got=f"'{name}'", expected=nearest(name, known))
        if customers is not None:
            found = log.read_together(list(customers))
            return found if types is None else found.filter(pc.field("type").isin(list(types)))
        if types is not None:
            return log.read_types(list(types))
        return pa.concat_tables([log.read_bucket(bucket) for bucket in range(log.buckets)])

    def decisions(self, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
        """List what was decided, one by one or for everybody, the earliest first; archived decisions too.

        Args:
            since: Its beginning.
            until: Its end, not included.

        Returns:
            decision_id, customer_id, channel, as_of (UTC), features_from (`batch` for decisions for everybody), stage,
            the first offer with its propensity, value, priority and selection_probability, and versions (JSON) of
            policy and models. A decision for everybody is listed where it offers something.
        """
        from nbo.api.computing import listed_decisions

        first = _BEGINNING if since is None else self._aware(since)
        return listed_decisions(self._parts, first, _END if until is None else self._aware(until))

    def experiments(self, model: str | None = None) -> pd.DataFrame:
        """Set all training runs below each other, the newest first: facts, metrics with intervals, parameters.

        Args:
            model: Only `churn` or `propensity`.
        """
        from models.tracking.experiments import compare_runs

        if model is not None:
            self._check(model)
        return compare_runs(self._parts.models.store, self.name, model)

    def champion(self, model: str) -> Champion:
        """Look up the model in charge.

        Args:
            model: `churn` or `propensity`.

        Raises:
            NboError: There is no such model, or none of it in charge yet.
        """
        self._check(model)
        registered = self._parts.models.champion(model)
        if registered is None:
            remedy = "train it, and look at its gate if it was"
            raise ModelError(f"bank {self.name} has no {model} champion", remedy=remedy)
        return Champion(model, self._parts, registered)

    def decide(self, customer_id: str, channel: str, as_of: datetime | None = None) -> Answer:
        """Decide for one customer as the bank would, with every rule and reason; nothing is kept of it.

        Args:
            customer_id: Who.
            channel: Where.
            as_of: When; just after the latest news where not given.

        Returns:
            `decision` with its ranked `offers` and all `candidates` with the verdict of every rule, `reasons` of each
            offer, and `origin`: where the features came from.
        """
        moment = self.latest if as_of is None else self._aware(as_of)
        return self._parts.answer(customer_id, channel, moment, keep=False)

    def what_if(
        self, change: str | Path, *, sample: int | None = None, segments: Sequence[str] | None = None
    ) -> dict[str, pd.DataFrame]:
        """Decide for everybody as the bank is and as it would be with a change; nothing is kept of it.

        Args:
            change: YAML with the parts of offers, policies and budgets that would be other.
            sample: So many customers, the same ones every time; all where not given.
            segments: Features whose groups are compared; protected ones and age where not given.

        Returns:
            Tables by name: overview, channels, budgets, prices, offers, stages, moves, rules, factors, fairness.
        """
        import pandas as pd

        from pipelines.what_if import simulate_policy

        result = simulate_policy(self._parts, Path(change), sample=sample, segments=segments)
        tables = {name: rows for name, rows in result.items() if isinstance(rows, list) and name != "segments"}
        return {name: pd.DataFrame(rows) for name, rows in tables.items()}

    def _check(self, model: str) -> None:
        from wiring.components import MODELS

        if model not in MODELS:
            raise DataError("no such model", got=f"'{model}'", expected=nearest(model, MODELS))

    def _names(self, names: Sequence[str] | None) -> list[str]:
        kept = [name for name, feature in self._parts.bank.features.features.items() if not feature.internal]
        for name in names or ():
            if name not in kept:
                raise DataError("no such feature", got=f"'{name}'", expected=nearest(name, kept))
        return kept if names is None else list(names)

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self._parts.bank.time_zone)

    def _built_until(self) -> datetime:
        from features.store.watermark import Watermark

        watermark = Watermark.read(self._parts.places.feature_store)
        if watermark is None:
            raise StateError(
                f"the features of bank {self.name} have not been built yet",
                remedy=f"nbo --bank {self._parts.folder} features",
            )
        return watermark.complete_until
