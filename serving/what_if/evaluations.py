"""Evaluations that were made, one file each: pages in the terminal, in files and in the console are drawn from them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from decisioning.off_policy.evaluate import PolicyEvaluation
from domain.errors import StateError
from storage.atomic import replace_text
from storage.versions import FileVersion, version_of

FOLDER: Final = "evaluations"
MOST: Final = 200
"""Evaluations that are kept besides those of rollouts; the oldest go first."""

Kind = Literal["policy", "model"]
_PROPOSAL: Final = re.compile(r"proposal:(\d+)")


def proposal_of(subject: str) -> int | None:
    """Return the number of the proposal that is evaluated; None if the subject is none.

    Example:
        >>> proposal_of("proposal:12"), proposal_of("challenger")
        (12, None)
    """
    found = _PROPOSAL.fullmatch(subject)
    return None if found is None else int(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """What another policy or model would have earned, and on what that is said.

    Attributes:
        bank: Name of the bank.
        kind: Whether another policy or another model was evaluated.
        subject: Its name: of a folder or file, `proposal:NUMBER`, or a version or alias of the model.
        as_of: Moment of the evaluation, aware; later news did not count.
        currency: The bank's currency, in which rewards are measured.
        customers: Customers of the logged decisions.
        left_out: Number of impressions that tell nothing, by reason.
        versions: Digests of the evaluated bank and policy, and of the models (`serving.decider.Decider.versions`).
        found: The figures.
        made_at: When it was made, aware.
        is_watched: Whether a rollout made it, which does so every day; of each version the last one is kept.
    """

    bank: str
    kind: Kind
    subject: str
    as_of: datetime
    currency: str
    customers: int
    left_out: Mapping[str, int]
    versions: Mapping[str, str]
    found: PolicyEvaluation
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_watched: bool = False

    @property
    def key(self) -> str:
        """Name of its file and in addresses: the same for the same as of the same moment, or in the same rollout."""
        of = sha256(json.dumps([self.subject, self.versions], sort_keys=True).encode()).hexdigest()
        when = "rollout" if self.is_watched else f"{self.as_of.astimezone(UTC):%Y%m%dT%H%M%S}"
        return f"{when}-{of[:12]}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "bank": self.bank,
            "kind": self.kind,
            "subject": self.subject,
            "as_of": self.as_of.isoformat(),
            "made_at": self.made_at.isoformat(),
            "currency": self.currency,
            "customers": self.customers,
            "left_out": dict(self.left_out),
            "versions": dict(self.versions),
            "evaluation": self.found.to_json(),
            "is_watched": self.is_watched,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EvaluationRecord:
        """Read what `to_json` returned.

        Raises:
            KeyError: Something is missing.
        """
        return cls(
            bank=content["bank"],
            kind=content["kind"],
            subject=content["subject"],
            as_of=datetime.fromisoformat(content["as_of"]),
            made_at=datetime.fromisoformat(content["made_at"]),
            currency=content["currency"],
            customers=content["customers"],
            left_out=content["left_out"],
            versions=content["versions"],
            found=PolicyEvaluation.from_json(content["evaluation"]),
            is_watched=content["is_watched"],
        )


def keep_evaluation(figures: Path, record: EvaluationRecord) -> None:
    """Keep an evaluation below the folder of the bank's figures; one of the same as of the same moment is replaced."""
    folder = figures / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    # what is unknown is null there: JSON has no NaN
    content = orjson.dumps(record.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    replace_text(folder / f"{record.key}.json", content.decode())
    for file in sorted(folder.glob("[0-9]*.json"))[:-MOST]:
        file.unlink(missing_ok=True)


def evaluation_of_policy(figures: Path, bank: str) -> EvaluationRecord | None:
    """Return the newest evaluation of a policy by the digest of the bank that would have it; None if there is none."""
    found = read_evaluations(figures)
    return next((one for one in found if one.kind == "policy" and one.versions.get("bank") == bank), None)


def read_evaluations(figures: Path) -> list[EvaluationRecord]:
    """Return the evaluations that were made, the newest first; none before the first one.

    Raises:
        StateError: A file is damaged.
    """
    found = []
    for file in (figures / FOLDER).glob("*.json"):
        with suppress(FileNotFoundError):  # one that has just gone because there are many
            found.append(_read(file, version_of(file)))
    return sorted(found, key=lambda one: (one.as_of, one.made_at), reverse=True)


@lru_cache(maxsize=2 * MOST)
def _read(file: Path, version: FileVersion) -> EvaluationRecord:
    """Read a version of a file once: many pages show it."""
    try:
        return EvaluationRecord.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(
            "a kept evaluation is damaged", got=str(error), remedy=f"remove {file} and evaluate again"
        ) from error
