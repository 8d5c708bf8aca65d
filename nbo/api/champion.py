"""The champion model, and the results stored by its training run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from domain.errors import StateError

if TYPE_CHECKING:
    import pandas as pd

    from models.registry import RegisteredModel
    from models.tracking.run_tables import RunTables
    from wiring.components import Components


class Champion:
    """The churn or propensity model in charge, returned by `Bank.champion`.

    Attributes:
        name: `churn` or `propensity`.
    """

    def __init__(self, name: str, components: Components, registered: RegisteredModel) -> None:
        self.name = name
        self._parts = components
        self._registered = registered

    def __repr__(self) -> str:
        """Name the model, the bank and the version."""
        return f"<{self.name} champion of {self._parts.name}: version {self.version}>"

    @property
    def version(self) -> str:
        """Version and digest, as decisions cite it."""
        return self._registered.cited

    @property
    def run_id(self) -> str:
        """Its run in MLflow and in `Bank.experiments`."""
        return self._registered.run_id

    @property
    def trained_until(self) -> datetime:
        """End of its training data: later rows are new to it."""
        return self._registered.data_last

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that it reads."""
        return tuple(self._model.names)

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers as the decision engine does.

        Args:
            features: A frame from `Bank.features` or `Bank.training_set`; additional columns are ignored.

        Returns:
            A row for each row, with its index. For churn: `churn_probability`. For propensity: the probability that
            each offer of the catalogue is accepted in each of its channels, in columns (offer, channel).

        Raises:
            NboError: A feature is missing or of another kind.
        """
        import pandas as pd

        from domain.offer import candidates_of
        from nbo.api.computing import table_of

        model, threads = self._model, os.cpu_count() or 1
        table = table_of(features, model.schema)
        if self.name == "churn":
            probabilities = {"churn_probability": model.predict(table, num_threads=threads)}
            return pd.DataFrame(probabilities, index=features.index)
        candidates = tuple(candidates_of(self._parts.bank.offers))
        columns = pd.MultiIndex.from_tuples(
            [(offer.name, treatment.channel) for offer, treatment in candidates], names=["offer", "channel"]
        )
        return pd.DataFrame(model.predict(table, candidates, num_threads=threads), features.index, columns)

    @cached_property
    def tables(self) -> RunTables:
        """Tables of its run: scores and baselines, improvements, folds, groups, importance, checks of the gate."""
        from models.tracking.run_tables import RunTables

        return RunTables.of(self._parts.models.store, self.run_id)

    def tested(self, training_set: pd.DataFrame) -> pd.DataFrame:
        """Find the rows that the champion was tested on, with its held-out predictions.

        Args:
            training_set: A frame from `Bank.training_set` for this model, with any features.

        Returns:
            The rows of all test folds, with fold, y (1 for what the model predicts), and the probabilities of `model`
            and of each baseline, in columns by name.
        """
        from nbo.api.computing import keys_of

        recorded = self._recorded.drop_duplicates("row", keep=False)
        keyed = training_set.assign(row=keys_of(self._parts, training_set))
        return keyed.merge(recorded, on="row", validate="many_to_one").drop(columns="row")

    def reliability(self, bins: int = 10, highest: float = 1.0) -> pd.DataFrame:
        """Compare predicted with observed shares of test rows, in bins of equal size.

        Args:
            bins: Number of bins.
            highest: Share of rows to use, those with the highest probabilities, on which decisions depend most.

        Returns:
            Columns rows, said (mean prediction), seen (observed share), seen_low and seen_high (95 % Wilson interval).
        """
        import numpy as np
        import pandas as pd

        from models.evaluation.calibration import Reliability

        predicted, y = (self._recorded[name].to_numpy(dtype=np.float64) for name in ("model", "y"))
        used = predicted >= np.quantile(predicted, 1.0 - highest)
        found = Reliability.of(predicted[used], y[used], bins)
        columns: Mapping[str, object] = {name: getattr(found, name) for name in _RELIABILITY}
        return pd.DataFrame(columns)

    @cached_property
    def _recorded(self) -> pd.DataFrame:
        found = self._parts.models.registry.recorded_predictions(self._registered)
        if found is None:
            raise StateError(
                f"the test predictions of run {self.run_id} are gone", remedy="train again to restore them"
            )
        frame: pd.DataFrame = found.to_pandas()
        return frame

    @cached_property
    def _model(self) -> Any:
        from models.learners import read_model

        return self._parts.models.registry.read(self._registered, read_model)


_RELIABILITY = ("rows", "said", "seen", "seen_low", "seen_high")
