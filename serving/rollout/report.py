"""Reports of rollouts, as the command line, the console and the service show them, and the file of the last one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from domain.errors import StateError
from models.registry import CHALLENGER, CHAMPION, SLICE, Move
from serving.rollout.gate import GateAnswer, verdict_of_all
from serving.rollout.state import RolloutState
from storage.atomic import replace_text

FILE: Final = "rollout.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutReport:
    """Where the rollout of a model stands.

    Attributes:
        model: Registered name, such as `demo-propensity`.
        as_of: When it was read.
        sentence: Where it stands, in words.
        stage: `shadow`, `slice`, `champion` while a new champion is watched, or `challenger` while one waits; None if
            there is nothing to roll out.
        version: The version in that stage.
        share: Share of the standard arm's customers or households for whom that version decides; None without one.
        since: When it came into its stage; None for a challenger.
        other: Version that it is compared with: the champion, or the former one; None if there is none.
        challenger: Latest challenger; None if there is none.
        gates: Answers of the gates; empty if they were not put.
        moves: Moves of the version's aliases, earliest first, each as `at` and `move`.
    """

    model: str
    as_of: datetime
    sentence: str
    stage: str | None
    version: str | None
    share: float | None
    since: datetime | None
    other: str | None
    challenger: str | None
    gates: tuple[GateAnswer, ...]
    moves: tuple[Mapping[str, str], ...]

    @classmethod
    def of(
        cls, model: str, state: RolloutState, gates: tuple[GateAnswer, ...], slice_share: float, now: datetime
    ) -> RolloutReport:
        """Report on a state and its gates."""
        found = state.model or state.challenger
        stage = state.stage if state.model is not None else None if found is None else CHALLENGER
        decides = {SLICE: slice_share, CHAMPION: 1.0}
        return cls(
            model=model,
            as_of=now,
            sentence=f"{state.sentence}: {verdict_of_all(gates)}" if gates else state.sentence,
            stage=stage,
            version=None if found is None else found.version,
            share=None if stage is None else decides.get(stage, 0.0),
            since=state.since,
            other=None if state.other is None else state.other.version,
            challenger=None if state.challenger is None else state.challenger.version,
            gates=gates,
            moves=tuple(_told(move) for move in state.moves),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with the answer of all gates together."""
        verdict = verdict_of_all(self.gates) if self.gates else None
        return {
            "model": self.model,
            "as_of": self.as_of.isoformat(),
            "sentence": self.sentence,
            "stage": self.stage,
            "version": self.version,
            "share": self.share,
            "since": None if self.since is None else self.since.isoformat(),
            "other": self.other,
            "challenger": self.challenger,
            "verdict": None if verdict is None else verdict.word.value,
            "reason": None if verdict is None else verdict.reason,
            "gates": [one.to_json() for one in self.gates],
            "moves": [dict(one) for one in self.moves],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> RolloutReport:
        """Return the report that `to_json` has written."""
        since = content["since"]
        names = ("model", "sentence", "stage", "version", "share", "other", "challenger")
        return cls(
            **{name: content[name] for name in names},
            as_of=datetime.fromisoformat(content["as_of"]),
            since=None if since is None else datetime.fromisoformat(since),
            gates=tuple(GateAnswer.from_json(one) for one in content["gates"]),
            moves=tuple(content["moves"]),
        )


def keep_report(folder: Path, report: RolloutReport) -> None:
    """Store the report, so that services and the console need no registry.

    Args:
        folder: Folder of the bank's figures.
        report: The report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / FILE, json.dumps(report.to_json(), indent=1))


def read_report(folder: Path) -> RolloutReport | None:
    """Return the report of the last watch or step; None before the first one.

    Raises:
        StateError: The file is damaged.
    """
    try:
        return RolloutReport.from_json(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        remedy = f"remove {folder / FILE}; the next watch writes it anew"
        raise StateError("the report of the rollout is damaged", got=str(error), remedy=remedy) from error


def _told(move: Move) -> dict[str, str]:
    return {"at": move.at.isoformat(), "move": move.sentence}
