"""How long decisions are kept, and where."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Spec):
    """The content of `retention.yaml`.

    Attributes:
        decisions_days: Older decisions move from the database to the archive, where they are found and replayed as
            before; none for never. Outcomes that cite a decision are accepted while it is in the database.
        explanations_days: The record of a decision (features, verdicts, numbers of every candidate) is removed after
            so many days; none for never. The decision stays, but cannot be explained or replayed any more.
    """

    decisions_days: int | None = None
    explanations_days: int | None = None
