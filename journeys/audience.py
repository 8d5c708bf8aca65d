"""The customers behind a journey figure: those in a stage, or those whose product journey stopped at a step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from domain.errors import DataError
from features.building.journeys import STAGES
from features.kernel.arrays import Int64Array
from journeys.histories import Histories
from journeys.passages import passages_of
from journeys.tally import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class InStage:
    """The customers of `stage_sizes`.

    Attributes:
        stage: Name of the stage.
        day: The local day.
    """

    stage: str
    day: date

    def customers(self, histories: Histories) -> list[str]:
        """Return the ids of a bucket's customers who were in the stage on the day."""
        everybody = np.arange(histories.customer_count)
        day = np.full(len(everybody), np.datetime64(self.day, "D").astype(np.int64))
        found = histories.stages.at(everybody, day).stage
        return _ids(histories, np.flatnonzero(found == STAGES.code(self.stage)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedAt:
    """The customers of `funnel` whose journeys stopped at a step.

    Attributes:
        product: The product.
        month: Month in which the journey began, such as `2026-03`.
        step: The last step that it reached.
    """

    product: str
    month: str
    step: str

    def customers(self, histories: Histories) -> list[str]:
        """Return the ids of a bucket's customers with such a journey.

        Raises:
            DataError: There is no such step.
        """
        context, passages = histories.context, histories.once(passages_of)
        steps = [name for name, _ in context.analytics.steps_of(context.vocabulary)]
        if self.step not in steps:
            raise DataError("no such step", got=f"'{self.step}'", expected=", ".join(steps))
        stopped = passages.broken & (passages.reached == steps.index(self.step))
        stopped &= passages.month == np.datetime64(self.month, "M").astype(np.int64)
        stopped &= _is(passages.product, self.product)
        return _ids(histories, passages.customer[stopped])


Audience = InStage | StoppedAt
"""What can be asked for."""


def _is(key: Key, name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return key.codes == key.names.index(name) if name in key.names else np.zeros(len(key.codes), dtype=bool)


def _ids(histories: Histories, customers: Int64Array) -> list[str]:
    return [str(histories.columns.customer_ids[code]) for code in np.unique(customers).tolist()]
