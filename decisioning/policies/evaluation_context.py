"""The evaluation context: everything an expression may name, for n customers and m candidates at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.contact_times import column_of
from decisioning.policies.symbol_table import FAMILY, IN_HOLDOUT, MOMENT, SymbolTable
from domain.errors import DataError, nearest
from expressions.operand import Checked
from expressions.types import Array


class ColumnLayout:
    """The rows in which the values of names are laid out, computed once for a policy.

    First come the features, then a row of NULL, the sums of contact limits, and the names of the moment, of contact
    times, the request and the trials.

    Args:
        names: Names that the policy's expressions may use.
        features: Features that the policy reads.

    Attributes:
        features: Features in the order of their rows.
        row_of: Row of each feature.
        moment_row: Row of each name of the moment, of contact times (by `column_of`), of the request and the trials.
        contact_hours: The different hours at which channels send.
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
        self._first_sum = len(self.features) + 1
        first_moment = self._first_sum + len(starts)
        self.contact_hours = tuple(sorted(set(names.delivery_hour)))
        times = (column_of(name, hour) for name in names.contact_times.schema for hour in self.contact_hours)
        told = (*MOMENT, *times, *names.request, *names.trials)
        self.moment_row = {name: first_moment + row for row, name in enumerate(told)}

    def laid_out(self, columns: Mapping[str, Array], moment: Mapping[str, Array], customers: int) -> Array:
        """Lay out the values of n customers, shape (rows, n), with non-finite values as NaN.

        Args:
            columns: Feature columns by name, each of shape (n,).
            moment: Columns of the moment, contact times, request and trials by name, each of shape (1,) or (n,).
            customers: Number of customers, n.

        Raises:
            DataError: If the table lacks a column that the policy reads.
        """
        rows = np.full((self._first_sum + len(self._starts) + len(self.moment_row), customers), np.nan)
        try:
            if self.features:
                rows[: len(self.features)] = [columns[name] for name in self.features]
        except KeyError as error:
            raise _missing(str(error.args[0]), columns) from error
        for name, values in moment.items():
            rows[self.moment_row[name]] = values
        rows[~np.isfinite(rows)] = np.nan
        if len(self._starts):
            # whole numbers, whose sums are exact
            sums = rows[self._first_sum : self._first_sum + len(self._starts)]
            np.add.reduceat(rows[self._summed], self._starts, axis=0, out=sums)
        return rows

    def counted(self, name: str) -> slice:
        """Return the rows of the distinct sums of one contact limit."""
        sums = self._counts[name]
        return slice(self._first_sum + sums.start, self._first_sum + sums.stop)

    def value(self, name: str, candidate: int, row: Callable[[int], Any]) -> Any:
        """Return a name's value for one candidate: a constant, or the value of a row, or computed from it.

        Args:
            name: Name in an expression.
            candidate: Position of the candidate.
            row: Gives the value of a row.
        """
        names = self.names
        if name in names.candidates.columns:
            return np.array(names.candidates.columns[name][candidate])
        place = int(names.places(name)[candidate])
        if name in names.counts:
            return row(self.counted(name).start + place)
        if names.is_family(name):
            place = int(self.family(name)[place])
            return np.array(np.nan) if place == len(self.features) else row(place)
        if name in names.contact_times.schema:
            return row(self.moment_row[column_of(name, names.delivery_hour[candidate])])
        return row(self.row_of[name] if name in self.row_of else self.moment_row[name])

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

    Attributes:
        rows: The same values as the policy's program reads them, shape (rows, n).

    Args:
        sources: Column layout of the policy.
        customers: Number of customers, n.
        features: Feature columns by name, each of shape (n,).
        moment: Columns of the moment, contact times, request and trials by name, each of shape (1,) or (n,).

    Raises:
        DataError: If the feature table lacks a column that the policy reads.
    """

    def __init__(
        self, sources: ColumnLayout, customers: int, features: Mapping[str, Array], moment: Mapping[str, Array]
    ) -> None:
        super().__init__()
        self.customers = customers
        self.rows = sources.laid_out(features, moment, customers)
        self._sources = sources

    def __missing__(self, name: str) -> Array:
        self[name] = values = self._gathered(name)
        return values

    def _gathered(self, name: str) -> Array:
        sources, names = self._sources, self._sources.names
        if name in names.candidates.columns:
            return names.candidates.columns[name][names.firsts(name)][None, :]
        if name in names.counts:
            return self.rows[sources.counted(name)].T
        if names.is_family(name):
            return self.rows[sources.family(name)].T
        if name in names.contact_times.schema:
            hours = [names.delivery_hour[first] for first in names.firsts(name)]
            return self.rows[[sources.moment_row[column_of(name, hour)] for hour in hours]].T
        row = sources.row_of.get(name)
        values: Array = self.rows[sources.moment_row[name] if row is None else row]
        return values[:, None]


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
