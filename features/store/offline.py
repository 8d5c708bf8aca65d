"""Training sets: features as of many moments, joined point in time by Feast."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow as pa
from feast import FeatureService
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from features.catalogue import FeatureCatalogue
from features.moments import Moments
from features.store.definitions import EVENT_TIMESTAMP, JOURNEY_VIEW, MOMENT_ROW, kept_features
from features.store.parts import COMPUTED_AS_OF, FeatureParts
from features.store.repository import FeatureRepository
from features.table import AS_OF, CUSTOMER_ID, FeatureTable

MOMENTS_PER_QUERY = 100_000
"""Limits memory: a query of 100,000 moments and 180 features needs about 1 GB, whatever the parts hold."""

# Feast's DuckDB engine (ibis) has one connection per process, which threads must not share.
_ONE_QUERY_AT_A_TIME = Lock()


class OfflineFeatures:
    """The offline side of a bank's feature store: written in parts, read as training sets.

    A moment gets the row that was computed for exactly this customer and moment or, if the repository has a
    `maximum_age`, the latest row within that age; never a later one. Moments without a row are an error,
    because a model must not learn from rows that look like customers without history.

    Attributes:
        parts: The files, which other processes may write too.
    """

    def __init__(self, repository: FeatureRepository, catalogue: FeatureCatalogue) -> None:
        self._repository = repository
        self._schema = {name: feature.type for name, feature in kept_features(catalogue).items()}
        self.parts = FeatureParts(repository.parts, self._schema)

    @property
    def names(self) -> tuple[str, ...]:
        """The stored features, in catalogue order."""
        return tuple(self._schema)

    def write(self, part: str, table: FeatureTable, fingerprint: str = "") -> None:
        """Write a part, replacing the one with that name; after a crash the earlier one remains.

        Args:
            part: Name of the part; a customer and moment in several parts must have the same features in all.
            table: All features of the catalogue; internal ones are left out.
            fingerprint: Fingerprint of the inputs of the features.

        Raises:
            DataError: If the table has no rows, or lacks a feature.
        """
        self.parts.write(part, table, fingerprint)

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each part that holds the catalogue's features."""
        return self.parts.fingerprints()

    def remove_stale(self, current: Mapping[str, str]) -> tuple[str, ...]:
        """Remove every part that is not in `current` (part -> fingerprint); return their names."""
        return self.parts.remove_stale(current)

    def training_set(self, moments: Moments, names: Sequence[str] | str) -> FeatureTable:
        """Join features to moments through Feast's `get_historical_features`.

        Args:
            moments: Customers and moments, in any order, with repetitions.
            names: Features, or the name of a registered feature service.

        Returns:
            One row for each moment, in the order of `moments`; `as_of` is the moment.

        Raises:
            DataError: If there are no moments, a feature is not stored, or moments have no row.
            StateError: If parts hold other features, or a view or service is not registered.
        """
        if len(moments) == 0:
            raise DataError("there are no moments to join features to", expected="at least one")
        self.parts.check()
        wanted, references = self._wanted(names)
        schema = {name: self._schema[name] for name in wanted}
        columns = {name: np.empty(len(moments)) for name in wanted}
        # Moments close in time read the same row groups of the parts.
        order = np.argsort(moments.as_of, kind="stable")
        missing: list[NDArray[np.intp]] = []
        for start in range(0, len(order), MOMENTS_PER_QUERY):
            rows = order[start : start + MOMENTS_PER_QUERY]
            joined = self._join(moments, rows, references)
            rows = joined.column(MOMENT_ROW).to_numpy()
            table = FeatureTable.from_arrow(joined.rename_columns({EVENT_TIMESTAMP: AS_OF}), schema)
            for name, values in table.columns.items():
                columns[name][rows] = values
            missing.append(rows[self._without_features(joined)])
        self._refuse_missing(moments, np.sort(np.concatenate(missing)))
        return FeatureTable(moments.customer_ids, moments.as_of.astype("datetime64[us]"), columns, schema)

    def _wanted(self, names: Sequence[str] | str) -> tuple[list[str], FeatureService | list[str]]:
        if isinstance(names, str):
            service = self._repository.feature_service(names)
            fields = [feature.name for view in service.feature_view_projections for feature in view.features]
            wanted = [name for name in fields if name != COMPUTED_AS_OF]
            references: FeatureService | list[str] = service
        else:
            self._repository.feature_view(JOURNEY_VIEW)
            wanted = list(dict.fromkeys(names))
            references = [f"{JOURNEY_VIEW}:{name}" for name in (COMPUTED_AS_OF, *wanted)]
        for name in wanted:
            if name not in self._schema:
                raise DataError(
                    "no such feature is stored offline", got=f"'{name}'", expected=nearest(name, self._schema)
                )
        return wanted, references

    def _join(self, moments: Moments, rows: NDArray[np.intp], references: FeatureService | list[str]) -> pa.Table:
        entities = pd.DataFrame(
            {
                CUSTOMER_ID: moments.customer_ids[rows],
                EVENT_TIMESTAMP: pd.Series(moments.as_of[rows].astype("datetime64[us]")).dt.tz_localize("UTC"),
                MOMENT_ROW: rows,
            }
        )
        with _ONE_QUERY_AT_A_TIME, warnings.catch_warnings():
            # ibis 12 calls a function that DuckDB 2 has renamed
            warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
            return self._repository.store.get_historical_features(entity_df=entities, features=references).to_arrow()

    def _without_features(self, joined: pa.Table) -> NDArray[np.bool_]:
        computed = joined.column(COMPUTED_AS_OF).to_numpy()
        age = joined.column(EVENT_TIMESTAMP).to_numpy() - computed
        without: NDArray[np.bool_] = np.isnat(computed) | (age > np.timedelta64(self._repository.maximum_age, "us"))
        return without

    def _refuse_missing(self, moments: Moments, missing: NDArray[np.intp]) -> None:
        if len(missing):
            first = missing[0]
            raise DataError(
                f"no features were written for {len(missing)} of {len(moments)} moments",
                got=f"'{moments.customer_ids[first]}' as of {moments.as_of[first]} UTC, for one",
                expected=f"rows at most {self._repository.maximum_age} older than the moment",
                remedy="build the features of these moments first",
            )
