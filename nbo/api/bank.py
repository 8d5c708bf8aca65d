"""Read access to a bank's results as tables."""

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
    """A bank's events, features, decisions and models, returned by `open_bank`.

    Moments without a time zone are in the bank's. Features and labels are as they were known at their moments.
    """

    def __init__(self, components: Components) -> None:
        self._parts = components

    def __repr__(self) -> str:
        """Name the bank."""
        return f"<bank {self.name}>"

    @property
    def name(self) -> str:
        """Name of the bank."""
        return self._parts.name

    @property
    def latest(self) -> datetime:
        """The moment just after the latest event of the event log."""
        return self._parts.latest()

    @property
    def catalogue(self) -> pd.DataFrame:
        """List of features: name, kind, unit, topic, description, and `personal` for those that models may not see."""
        import pandas as pd

        features = self._parts.bank.features.features.values()
        rows = [
            {
                "name": feature.name,
                "kind": type(feature.type).__name__.lower(),
                "unit": feature.unit,
                "topic": feature.topic,
                "description": feature.description,
                "personal": feature.personal,
            }
            for feature in features
            if not feature.internal
        ]
        return pd.DataFrame(rows)

    def features(self, moments: pd.DataFrame | None = None, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Compute features of all customers as of the last midnight, or of any customers at any moments.

        Args:
            moments: A frame with `customer_id` and `as_of`, in any order; other columns are ignored.
            names: Names of features, in the order wanted; by default all.

        Returns:
            customer_id, as_of (UTC) and the features; a row for each moment, in the order of the moments.

        Raises:
            NboError: There is no such feature, or a moment is invalid.
        """
        from nbo.api.computing import features_at_moments, features_of_everybody

        wanted = self._names(names)
        if moments is None:
            return features_of_everybody(self._parts, wanted)
        return features_at_moments(self._parts, moments, wanted)

    def training_set(
        self, model: str, names: Sequence[str] | None = None, moments: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return training data for any model: features as of past moments, and the label.

        Args:
            model: `churn`: customers of the label's population at its anchors, with `churned`. `propensity`: offers as
                they were presented, with offer, channel, decision_id, and whether they were `accepted` in time.
            names: Names of features; by default those that the model learns from.
            moments: For `churn`: a frame as for `features`, to label these customers at these moments instead of the
                model's own; they are computed from the event log.

        Returns:
            customer_id, as_of (UTC), the features and the label. A label is missing if it was not yet known at the
            last build of features, or for moments of your own at the latest event. `.to_parquet(file)` keeps it.

        Raises:
            NboError: There is no such model or feature, the features have not been built yet, or a moment is invalid.
        """
        from nbo.api.computing import churn_set, propensity_set

        self._check(model)
        if moments is not None:
            return self._labelled(model, names, moments)
        wanted = model if names is None else self._names(names)
        return (churn_set if model == "churn" else propensity_set)(self._parts, self._built_until(), wanted)

    def churned(self, moments: pd.DataFrame) -> pd.Series:
        """Return who churned after given moments, as the bank defines churn; missing if not known today.

        Args:
            moments: A frame as for `features`.

        Returns:
            A `boolean` series with the index of the moments.
        """
        from nbo.api.computing import churned_after

        return churned_after(self._parts, moments, self.latest)

    def events(self, types: Sequence[str] | None = None, customers: Sequence[str] | None = None) -> pa.Table:
        """Read the event log as an Arrow table; `.to_pandas()` converts it to a frame.

        Args:
            types: Only these event types.
            customers: Only these customers; the rest of the log is not read.

        Raises:
            NboError: There is no such event type.
        """
        import pyarrow as pa

        from events.log import of_types
        from events.vocabulary import ATTRIBUTES_TYPE

        log, known = self._parts.log, (*self._parts.bank.vocabulary.types, ATTRIBUTES_TYPE)
        for name in types or ():
            if name not in known:
                raise DataError("no such event type", got=f"'{name}'", expected=nearest(name, known))
        if customers is not None:
            found = log.read_together(list(customers))
            return found if types is None else found.filter(of_types(list(types)))
        if types is not None:
            return log.read_types(list(types))
        return pa.concat_tables([log.read_bucket(bucket) for bucket in range(log.buckets)])

    def decisions(self, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
        """List decisions, single ones and those of batch runs, earliest first; archived decisions are included.

        Args:
            since: Beginning of the period.
            until: End of the period, not included.

        Returns:
            decision_id, customer_id, channel, as_of (UTC), features_from (`batch` for batch runs), stage, the first
            offer with its propensity, value, priority and selection_probability, and versions (JSON) of policy and
            models. A decision of a batch run is listed only if it offers something.
        """
        from nbo.api.computing import listed_decisions

        first = _BEGINNING if since is None else self._aware(since)
        return listed_decisions(self._parts, first, _END if until is None else self._aware(until))

    def experiments(self, model: str | None = None) -> pd.DataFrame:
        """List all training runs, newest first: facts, metrics with intervals, parameters.

        Args:
            model: Only `churn` or `propensity`.
        """
        from models.tracking.experiments import compare_runs

        if model is not None:
            self._check(model)
        return compare_runs(self._parts.models.store, self.name, model)

    def champion(self, model: str) -> Champion:
        """Return the model in charge.

        Args:
            model: `churn` or `propensity`.

        Raises:
            NboError: There is no such model, or it has no champion yet.
        """
        self._check(model)
        registered = self._parts.models.champion(model)
        if registered is None:
            remedy = "train it; if it was trained, check why its gate failed"
            raise ModelError(f"bank {self.name} has no {model} champion", remedy=remedy)
        return Champion(model, self._parts, registered)

    def decide(self, customer_id: str, channel: str, as_of: datetime | None = None) -> Answer:
        """Decide for one customer as the bank would, with every rule and reason; nothing is stored.

        Args:
            customer_id: The customer.
            channel: The channel.
            as_of: The moment; by default just after the latest event.

        Returns:
            `decision` with its ranked `offers` and all `candidates` with the verdict of every rule, `reasons` of each
            offer, and `origin`: where the features came from.
        """
        moment = self.latest if as_of is None else self._aware(as_of)
        return self._parts.answer(customer_id, channel, moment, keep=False)

    def what_if(
        self, change: str | Path, *, sample: int | None = None, segments: Sequence[str] | None = None
    ) -> dict[str, pd.DataFrame]:
        """Decide for all customers, with the bank as it is and with a change; nothing is stored.

        Args:
            change: YAML file with the changes to offers, policies and budgets.
            sample: Number of customers, the same ones every time; by default all.
            segments: Features whose groups are compared; by default protected attributes and age.

        Returns:
            Tables by name: overview, channels, budgets, prices, offers, stages, moves, rules, factors, fairness.
        """
        import pandas as pd

        from pipelines.what_if import simulate_policy

        result = simulate_policy(self._parts, Path(change), sample=sample, segments=segments)
        tables = {name: rows for name, rows in result.items() if isinstance(rows, list) and name != "segments"}
        return {name: pd.DataFrame(rows) for name, rows in tables.items()}

    def _labelled(self, model: str, names: Sequence[str] | None, moments: pd.DataFrame) -> pd.DataFrame:
        from models.inputs import model_inputs

        if model != "churn":
            raise DataError(
                "only churn has a label at any moment",
                got=model,
                expected="churn",
                remedy="leave out `moments`: propensity is learned from offers as they were presented",
            )
        bank = self._parts.bank
        learned = model_inputs(bank.features, bank.models.training.exclude, bank.models.learning.churn)
        frame = self.features(moments, learned if names is None else names)
        return frame.assign(churned=self.churned(moments).to_numpy())

    def _check(self, model: str) -> None:
        from wiring.components import MODELS

        if model not in MODELS:
            raise DataError("no such model", got=f"'{model}'", expected=nearest(model, MODELS))

    def _names(self, names: Sequence[str] | None) -> list[str]:
        known = [name for name, feature in self._parts.bank.features.features.items() if not feature.internal]
        for name in names or ():
            if name not in known:
                raise DataError("no such feature", got=f"'{name}'", expected=nearest(name, known))
        return known if names is None else list(names)

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
