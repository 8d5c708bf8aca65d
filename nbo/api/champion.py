"""The model in charge, and what its training run kept of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from domain.errors import StateError

if TYPE_CHECKING:
    import pandas as pd

    from models.churn.model import ChurnModel
    from models.propensity.model import PropensityModel
    from models.registry import RegisteredModel
    from models.tracking.run_tables import RunTables
    from wiring.components import Components


class Champion:
    """The churn or propensity model that decides. Made by `Bank.champion`.

    Attributes:
        name: `churn` or `propensity`.
    """

    def __init__(self, name: str, components: Components, registered: RegisteredModel) -> None:
        self.name = name
        self._parts = components
        self._registered = registered

    def __repr__(self) -> str:
        """Say which one it is."""
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
        """End of what it was fitted on: later rows are new to it."""
        return self._registered.data_last

    @property
    def features(self) -> tuple[str, ...]:
        """What it reads of a customer."""
        return self._model.names

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers as deciding does.

        Args:
            features: As `Bank.features` or `Bank.training_set` gives them; more columns are no harm.

        Returns:
            A row for each row, with its index. Of churn: `churn_probability`. Of propensity: the probability that each
            offer of the catalogue is accepted in each of its channels, by columns (offer, channel).

        Raises:
            NboError: A feature is missing or of another kind.
        """
        import pandas as pd

        from domain.offer import candidates_of
        from models.churn.model import ChurnModel
        from nbo.api.frames import table_of

        model, threads = self._model, os.cpu_count() or 1
        table = table_of(features, model.schema)
        if isinstance(model, ChurnModel):
            said = {"churn_probability": model.predict(table, num_threads=threads)}
            return pd.DataFrame(said, index=features.index)
        candidates = tuple(candidates_of(self._parts.bank.offers))
        columns = pd.MultiIndex.from_tuples(
            [(offer.name, treatment.channel) for offer, treatment in candidates], names=["offer", "channel"]
        )
        return pd.DataFrame(model.predict(table, candidates, num_threads=threads), features.index, columns)

    @cached_property
    def tables(self) -> RunTables:
        """What its run kept: scores beside baselines, improvements, folds, groups, importance, checks of the gate."""
        from models.tracking.run_tables import RunTables

        return RunTables.of(self._parts.models.store, self.run_id)

    def tested(self, training_set: pd.DataFrame) -> pd.DataFrame:
        """Find the rows that the champion was tested on, in folds in time: its answers there are no hindsight.

        Args:
            training_set: Of `Bank.training_set` for this model, with whatever features.

        Returns:
            Its rows of all test folds, with fold, y (1 for what the model predicts), and the probabilities that `model`
            and each baseline, by name, gave.
        """
        from nbo.api.computing import keys_of

        recorded = self._recorded.drop_duplicates("row", keep=False)
        keyed = training_set.assign(row=keys_of(self._parts, training_set))
        return keyed.merge(recorded, on="row", validate="many_to_one").drop(columns="row")

    def reliability(self, bins: int = 10, highest: float = 1.0) -> pd.DataFrame:
        """Set what was said of test rows beside what was seen, in bins of equal size.

        Args:
            bins: How many.
            highest: Only this share of rows, of the highest probabilities: decisions are made of them.

        Returns:
            Columns rows, said, seen, seen_low, seen_high: the last two are a Wilson interval of 95 %.
        """
        import numpy as np
        import pandas as pd

        from models.evaluation.calibration import Reliability

        said, y = (self._recorded[name].to_numpy(dtype=np.float64) for name in ("model", "y"))
        kept = said >= np.quantile(said, 1.0 - highest)
        found = Reliability.of(said[kept], y[kept], bins)
        columns: Mapping[str, object] = {name: getattr(found, name) for name in _RELIABILITY}
        return pd.DataFrame(columns)

    @cached_property
    def _recorded(self) -> pd.DataFrame:
        found = self._parts.models.registry.recorded_predictions(self._registered)
        if found is None:
            raise StateError(
                f"the test predictions of run {self.run_id} are gone", remedy="train again to have them anew"
            )
        frame: pd.DataFrame = found.to_pandas()
        return frame

    @cached_property
    def _model(self) -> ChurnModel | PropensityModel:
        from models.churn.model import ChurnModel
        from models.propensity.model import PropensityModel

        registry = self._parts.models.registry
        if self.name == "churn":
            return registry.read(self._registered, ChurnModel.from_files)
        return registry.read(self._registered, PropensityModel.from_files)


_RELIABILITY = ("rows", "said", "seen", "seen_low", "seen_high")
