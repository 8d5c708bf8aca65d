"""The evaluation context: everything an expression may name, for n customers and m candidates at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.symbol_table import CONTACT_HOUR, FAMILY, IN_HOLDOUT, SymbolTable
from domain.errors import DataError, nearest
from expressions.operand import Checked, finite
from expressions.types import Array


class ColumnLayout:
    """Where the values of names are found in a feature table, computed once for a policy.

    Args:
        names: Names that the policy's expressions may use.
        features: Features that the policy reads.

    Attributes:
        features: Features in the order of their rows.
        row_of: Row of each feature. One row of NULL follows the last.
    """

    def __init__(self, names: SymbolTable, features: Iterable[str]) -> None:
        self.names = names
        self.features = tuple(sorted(features))
        self.row_of = {name: row for row, name in enumerate(self.features)}
        self._families: dict[str, NDArray[np.intp]] = {}
        self._counts: dict[str, slice] = {}
        summed: list[int] = []
        starts: list[int] = []
        for name, parts_of in names.counts.items():
            parts = [parts_of[place] for place in names.firsts(name)]
            if all(part in self.row_of for one in parts for part in one):
                self._counts[name] = slice(len(starts), len(starts) + len(parts))
                for one in parts:
                    starts.append(len(summed))
                    # an empty sum is NULL, not 0: nothing counts it
                    summed += [self.row_of[part] for part in one] or [len(self.features)]
        self._summed, self._starts = np.array(summed, dtype=np.intp), np.array(starts, dtype=np.intp)

    def laid_out(self, columns: Mapping[str, Array], customers: int) -> Array:
        """Stack the features that are read, shape (features + 1, n), with non-finite values as NaN.

        Raises:
            DataError: If the table lacks a column that the policy reads.
        """
        rows = np.full((len(self.features) + 1, customers), np.nan)
        try:
            for row, name in enumerate(self.features):
                rows[row] = columns[name]
        except KeyError as error:
            raise _missing(self.features[row], columns) from error
        return finite(rows)

    def counted(self, name: str, counts: Array) -> Array:
        """Select the sums of one contact limit."""
        return counts[self._counts[name]]

    def sums(self, rows: Array) -> Array:
        """Compute the distinct sums of all contact limits, shape (sums, n); they add whole numbers and are exact."""
        if not len(self._starts):
            return np.empty((0, rows.shape[1]))
        sums: Array = np.add.reduceat(rows[self._summed], self._starts, axis=0)
        return sums

    def family(self, name: str) -> NDArray[np.intp]:
        """Return the row of the feature of each distinct product."""
        if name not in self._families:
            members = self.names.catalogue.families[name.removeprefix(FAMILY)]
            products = [self.names.candidates.products[place] for place in self.names.firsts(name)]
            wanted = [None if product is None else members.get(product) for product in products]
            nothing = len(self.features)
            rows = [nothing if feature is None else self.row_of[feature] for feature in wanted]
            self._families[name] = np.array(rows, dtype=np.intp)
        return self._families[name]


class EvaluationContext(Checked):
    """The values of all names, each gathered when an expression first reads it.

    A name has one column for each of its distinct values among the candidates (`SymbolTable.places`); a name that is
    the same for all has one. Columns have shape (n, values), or (1, values) if they do not depend on the customer.
    NULL is NaN, and non-finite values are NULL.

    Args:
        sources: Column layout of the policy.
        customers: Number of customers, n.
        features: Feature columns by name, each of shape (n,).
        moment: Columns of the moment and the request by name, each of shape (1,) or (n,).

    Raises:
        DataError: If the feature table lacks a column that the policy reads.
    """

    def __init__(
        self, sources: ColumnLayout, customers: int, features: Mapping[str, Array], moment: Mapping[str, Array]
    ) -> None:
        super().__init__()
        self.customers = customers
        self._sources = sources
        self._rows = sources.laid_out(features, customers)
        self._moment = moment
        self._sums: Array | None = None

    def __missing__(self, name: str) -> Array:
        self[name] = values = self._gathered(name)
        return values

    def _gathered(self, name: str) -> Array:
        sources, names = self._sources, self._sources.names
        if name in names.candidates.columns:
            return names.candidates.columns[name][names.firsts(name)][None, :]
        if name in names.counts:
            if self._sums is None:
                self._sums = sources.sums(self._rows)
            return sources.counted(name, self._sums).T
        if names.is_family(name):
            return self._rows[sources.family(name)].T
        row = sources.row_of.get(name)
        if row is not None:
            return np.atleast_2d(self._rows[row]).T
        if name == CONTACT_HOUR:
            return np.maximum(self._moment["as_of_hour"][:, None], names.delivery_hour[names.firsts(name)])
        return finite(self._moment[name])[:, None]


def moment_columns(as_of: datetime, time_zone: tzinfo, in_holdout: NDArray[np.bool_]) -> dict[str, Array]:
    """Return the columns of `MOMENT`.

    Example:
        >>> from datetime import UTC
        >>> moment = moment_columns(datetime(2026, 1, 31, 12, tzinfo=UTC), UTC, np.zeros(1, np.bool_))
        >>> float(moment["as_of_date"][0]), float(moment["as_of_day_of_week"][0])
        (20260131.0, 6.0)
    """
    local = as_of.astimezone(time_zone)
    numbers = {
        "as_of_date": local.year * 10_000 + local.month * 100 + local.day,
        "as_of_year": local.year,
        "as_of_month": local.month,
        "as_of_day_of_week": local.isoweekday(),
        "as_of_hour": local.hour,
    }
    columns = {name: np.array([number], dtype=np.float64) for name, number in numbers.items()}
    columns[IN_HOLDOUT] = in_holdout.astype(np.float64)
    return columns


def _missing(name: str, features: Mapping[str, Array]) -> DataError:
    return DataError(
        "the policy reads a feature that the table does not have",
        got=f"'{name}'",
        expected=nearest(name, features),
        remedy="compute the features that CompiledPolicy.features names",
    )
