"""Compiled features: the work needed to compute some features of a catalogue, compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from domain.errors import DataError, nearest
from expressions.expression import Expression, compile_expression
from expressions.operand import Checked
from expressions.program import Program
from expressions.symbols import Graph
from expressions.types import Array
from features.building.draft import MOMENT_INPUTS
from features.building.journeys import STAGE_FEATURES
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue
from features.definitions import Feature
from features.kernel.arrays import Int64Matrix
from features.kernel.finish import Finishing
from features.kernel.history import CodedMoments
from features.kernel.plan import Plan

FEW: Final = 1_024
"""Up to so many rows all formulas are computed together, as a program; above, copying rows takes longer than calls."""


@dataclass(frozen=True, eq=False)
class CompiledFeatures:
    """Computes some features of a catalogue.

    Attributes:
        names: The requested features, in order.
        features: The requested features and all that they are computed from, each after those it reads.
        plan: What the kernel keeps for them.
        formulas: Formulas of the derived features, by name.
        reads_moment: Whether a formula reads the year, month, day of the week or hour.
    """

    names: tuple[str, ...]
    features: tuple[Feature, ...]
    plan: Plan
    formulas: Mapping[str, Expression]
    reads_moment: bool

    @property
    def needs_stage(self) -> bool:
        """Whether the stage process has to run."""
        return any(feature.name in STAGE_FEATURES for feature in self.features)

    @cached_property
    def _finishing(self) -> Finishing:
        return Finishing.of(self.features, self.plan.parts)

    @cached_property
    def _derived(self) -> tuple[str, ...]:
        """The features that formulas compute, each after those it reads."""
        return tuple(feature.name for feature in self.features if feature.name in self.formulas)

    @cached_property
    def _program(self) -> Program:
        """One program for all formulas."""
        graph, known = Graph(), Checked()
        for name in (*MOMENT_INPUTS, *(feature.name for feature in self.features)):
            formula = self.formulas.get(name)
            known[name] = graph.input(name) if formula is None else graph.symbol(formula.values(known))
        return Program.of(graph, [known[name] for name in self._derived])

    def columns(
        self, kept: Int64Matrix, moments: CodedMoments, stages: Mapping[str, Array], calendar: Calendar
    ) -> dict[str, Array]:
        """Compute the requested columns, shape (m,) each.

        Args:
            kept: What the plan keeps for each moment.
            moments: The m moments.
            stages: The stage features, if needed.
            calendar: The bank's local days.
        """
        # the kernel's results are float64, finite or NaN
        known = Checked({**stages, **self._finishing.columns(kept, moments)})
        if self.reads_moment:
            known.update(_moment_inputs(moments, calendar))
        derive = self._derive_together if len(moments.as_of) <= FEW else self._derive_each
        derive(known, len(moments.as_of))
        return {name: known[name] for name in self.names}

    def _derive_together(self, known: Checked, rows: int) -> None:
        inputs = np.empty((len(self._program.inputs), rows))
        for row, name in zip(inputs, self._program.inputs, strict=True):
            row[:] = known[str(name)]
        known.update(zip(self._derived, self._program.run(inputs)[0], strict=True))

    def _derive_each(self, known: Checked, rows: int) -> None:
        with np.errstate(all="ignore"):
            for name in self._derived:
                values = np.asarray(self.formulas[name].values(known), dtype=np.float64)
                known[name] = values if values.shape else np.full(rows, float(values))


@lru_cache(maxsize=64)
def compile_features(
    catalogue: FeatureCatalogue, names: tuple[str, ...] | None, *, mergeable_days: bool = False
) -> CompiledFeatures:
    """Compile what some features need; the whole catalogue if `names` is None.

    Raises:
        DataError: If a name is unknown.
    """
    wanted = tuple(catalogue.features) if names is None else names
    schema = {**MOMENT_INPUTS, **catalogue.schema}
    formulas: dict[str, Expression] = {}
    needed: set[str] = set()
    open_names = list(wanted)
    while open_names:
        name = open_names.pop()
        if name in needed or name in MOMENT_INPUTS:
            continue
        if name not in catalogue.features:
            raise DataError("no such feature", got=f"'{name}'", expected=nearest(name, catalogue.features))
        needed.add(name)
        expression = catalogue.features[name].expression
        if expression is not None:
            formulas[name] = compile_expression(expression, schema)
            open_names += sorted(formulas[name].names)
    features = tuple(feature for name, feature in catalogue.features.items() if name in needed)
    return CompiledFeatures(
        names=wanted,
        features=features,
        plan=Plan.of(features, mergeable_days=mergeable_days),
        formulas=formulas,
        reads_moment=_reads_moment(formulas.values()),
    )


def _reads_moment(formulas: Iterable[Expression]) -> bool:
    return any(not formula.names.isdisjoint(MOMENT_INPUTS) for formula in formulas)


def _moment_inputs(moments: CodedMoments, calendar: Calendar) -> dict[str, Array]:
    year, month, weekday = calendar.year_month_weekday(moments.day)
    parts = (year, month, weekday, calendar.hour(moments.as_of))
    return {name: part.astype(np.float64) for name, part in zip(MOMENT_INPUTS, parts, strict=True)}
