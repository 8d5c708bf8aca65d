"""Where a rollout stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.registry import CHAMPION, Alias, Move, RegisteredModel


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutState:
    """Where a rollout stands.

    Attributes:
        stage: `shadow`, `slice`, or `champion` while a new champion is watched; None if nothing is under way.
        model: The version; None if nothing is under way.
        since: When it came into its stage.
        other: The version that it is compared with: the champion, or the former one.
        challenger: The version that could start; None if there is none.
        moves: Moves of the version's aliases, or of the champion's, earliest first.
    """

    stage: Alias | None
    model: RegisteredModel | None
    since: datetime | None
    other: RegisteredModel | None
    challenger: RegisteredModel | None
    moves: tuple[Move, ...]

    @property
    def sentence(self) -> str:
        """Where it stands, in words."""
        if self.model is None or self.since is None:
            waits = (
                "no challenger waits" if self.challenger is None else f"version {self.challenger.version} could start"
            )
            return f"no rollout is under way; {waits}"
        version, day = self.model.version, f"{self.since:%Y-%m-%d}"
        if self.stage == CHAMPION:
            return f"version {version} is champion since {day}, and version {self.other_version} could come back"
        return f"version {version} is in the {self.stage} since {day}, beside champion version {self.other_version}"

    @property
    def other_version(self) -> str:
        """Version of the other model."""
        return "none" if self.other is None else self.other.version
