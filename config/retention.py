"""Retention of decisions: `retention.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Spec):
    """The content of `retention.yaml`.

    Attributes:
        decisions_days: Decisions older than this move from the database to the archive, where they can still be found
            and replayed; none for never. Outcomes that cite a decision are accepted while it is in the database.
        explanations_days: After so many days the record of a decision (features, verdicts and numbers of every
            candidate) is deleted; none for never. The decision stays, but can no longer be explained or replayed.
    """

    decisions_days: int | None = None
    explanations_days: int | None = None
