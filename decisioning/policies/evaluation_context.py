"""Everything an expression may name, for n customers and m candidates at one moment."""

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
    """Where the values of names are found in a table of features, worked out once for a policy.

    Args:
        names: That its expressions may use.
        features: That it reads.

    Attributes:
        features: In the order of the rows in which they are laid out.
        row_of: Feature -> its row. After the last row comes one of NULL.
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
                    # nothing to count is not known to be 0
                    summed += [self.row_of[part] for part in one] or [len(self.features)]
        self._summed, self._starts = np.array(summed, dtype=np.intp), np.array(starts, dtype=np.intp)

    def laid_out(self, columns: Mapping[str, Array], customers: int) -> Array:
        """Put what is read side by side: shape (features + 1, n), what is not finite as NaN.

        Raises:
            DataError: The table does not have a column that the policy reads.
        """
        rows = np.full((len(self.features) + 1, customers), np.nan)
        try:
            for row, name in enumerate(self.features):
                rows[row] = columns[name]
        except KeyError as error:
            raise _missing(self.features[row], columns) from error
        return finite(rows)

    def counted(self, name: str, counts: Array) -> Array:
        """Pick the sums of one contact limit out of all."""
        return counts[self._counts[name]]

    def sums(self, rows: Array) -> Array:
        """Compute the different sums of all contact limits, shape (sums, n); they are of whole numbers, and exact."""
        if not len(self._starts):
            return np.empty((0, rows.shape[1]))
        sums: Array = np.add.reduceat(rows[self._summed], self._starts, axis=0)
        return sums

    def family(self, name: str) -> NDArray[np.intp]:
        """Give the row of each different product's feature."""
        if name not in self._families:
            members = self.names.catalogue.families[name.removeprefix(FAMILY)]
            products = [self.names.candidates.products[place] for place in self.names.firsts(name)]
            wanted = [None if product is None else members.get(product) for product in products]
            nothing = len(self.features)
            rows = [nothing if feature is None else self.row_of[feature] for feature in wanted]
            self._families[name] = np.array(rows, dtype=np.intp)
        return self._families[name]


class EvaluationContext(Checked):
    """The values of all names, gathered when an expression first asks for them.

    Of a name there is a column for each of its different values among the candidates (`SymbolTable.places`): one for
    what is the same for all. Shape (n, values), or with 1 in place of n where it does not depend on the customer; NULL
    is NaN, and what is not finite is NULL.

    Args:
        sources: Of the policy.
        customers: How many, n.
        features: Name -> shape (n,).
        moment: Name -> shape (1,) or (n,).

    Raises:
        DataError: The feature table does not have a column that the policy reads.
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
    """Say what `MOMENT` names.

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
