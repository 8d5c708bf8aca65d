"""Held-out predictions: scores of models and baselines on customers they were not fitted on, with the outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError
from expressions.types import Array

MODEL = "model"
"""Name of the model's own scores; the other scores are baselines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutPredictions:
    """Held-out predictions of all folds, concatenated; metrics are computed from these arrays alone.

    A row is a customer at an anchor (churn) or an impression (propensity). No score of a row comes from a model
    that was fitted, stopped or calibrated on anything known after the row's fold began.

    Attributes:
        fold: Shape (n,), int64, from 0, in time order.
        customer_ids: Shape (n,), object array of str; customers may repeat, so intervals resample customers.
        as_of: Shape (n,), datetime64[us], UTC.
        y: Shape (n,), float64, 1.0 if the predicted outcome (churn, acceptance) happened, else 0.0.
        scores: `model` and the name of each baseline -> probabilities of shape (n,), strictly between 0 and 1.
        groups: `stage`, `segment`, `offer`, `channel`, ... -> shape (n,), object array of str; None is unknown.

    Raises:
        DataError: If the arrays differ in length, or the model's scores are missing.
    """

    fold: NDArray[np.int64]
    customer_ids: NDArray[np.object_]
    as_of: NDArray[np.datetime64]
    y: Array
    scores: Mapping[str, Array]
    groups: Mapping[str, NDArray[np.object_]]

    def __post_init__(self) -> None:
        if MODEL not in self.scores:
            raise DataError("held-out predictions lack the model's scores", got=", ".join(self.scores), expected=MODEL)
        arrays = {"customer_ids": self.customer_ids, "as_of": self.as_of, "y": self.y, **self.scores, **self.groups}
        for name, values in arrays.items():
            if len(values) != len(self.fold):
                raise DataError(
                    f"{name} of held-out predictions differs in length from the folds",
                    got=str(len(values)),
                    expected=str(len(self.fold)),
                )

    def __len__(self) -> int:
        return len(self.fold)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baseline scores."""
        return tuple(name for name in self.scores if name != MODEL)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> HeldOutPredictions:
        """Return the rows at some positions or under a mask: one fold, one stage, some offers.

        Example:
            >>> held_out = HeldOutPredictions(
            ...     fold=np.array([0, 1]), customer_ids=np.array(["c1", "c2"], dtype=object), y=np.array([0.0, 1.0]),
            ...     as_of=np.array(["2026-01-01", "2026-02-01"], "datetime64[us]"),
            ...     scores={"model": np.array([0.2, 0.7]), "prevalence": np.array([0.5, 0.5])},
            ...     groups={"stage": np.array(["growth", None], dtype=object)})
            >>> held_out.take(held_out.fold == 1).customer_ids.tolist(), held_out.baselines
            (['c2'], ('prevalence',))
        """
        return HeldOutPredictions(
            fold=self.fold[rows],
            customer_ids=self.customer_ids[rows],
            as_of=self.as_of[rows],
            y=self.y[rows],
            scores={name: values[rows] for name, values in self.scores.items()},
            groups={name: values[rows] for name, values in self.groups.items()},
        )

    @classmethod
    def concatenate(cls, parts: list[HeldOutPredictions]) -> HeldOutPredictions:
        """Concatenate the folds; all parts have the same scores and groups."""
        if not parts:
            raise DataError("no held-out predictions to concatenate", expected="at least one fold")
        first = parts[0]
        return cls(
            fold=np.concatenate([part.fold for part in parts]),
            customer_ids=np.concatenate([part.customer_ids for part in parts]),
            as_of=np.concatenate([part.as_of for part in parts]),
            y=np.concatenate([part.y for part in parts]),
            scores={name: np.concatenate([part.scores[name] for part in parts]) for name in first.scores},
            groups={name: np.concatenate([part.groups[name] for part in parts]) for name in first.groups},
        )
