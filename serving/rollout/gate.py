"""A gate's answer: ship, hold or stop, with its reason and the number behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from decisioning.off_policy.verdict import Verdict, Word
from domain.health import Light, Reading

_LIGHTS: Final = {Word.SHIP: Light.GREEN, Word.HOLD: Light.UNKNOWN, Word.STOP: Light.RED}


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """The answer of one gate.

    Attributes:
        name: What was looked at.
        verdict: Ship, hold or stop, with the reason.
        value: The number behind it; None if there is none yet.
    """

    name: str
    verdict: Verdict
    value: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        word, reason = self.verdict.word.value, self.verdict.reason
        return {"gate": self.name, "word": word, "reason": reason, "value": self.value}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> GateAnswer:
        """Return the gate that `to_json` has written."""
        return cls(content["gate"], Verdict(Word(content["word"]), content["reason"]), content["value"])


def verdict_of_all(gates: tuple[GateAnswer, ...]) -> Verdict:
    """Return the answer of all gates: stop if one stops, else hold if one holds.

    Example:
        >>> enough = GateAnswer("errors", Verdict(Word.SHIP, "none of 900 failed"), 0.0)
        >>> missing = GateAnswer("auc", Verdict(Word.HOLD, "no decision has a final outcome yet"), None)
        >>> str(verdict_of_all((enough, missing)))
        'hold: auc: no decision has a final outcome yet'
    """
    for word in (Word.STOP, Word.HOLD):
        found = [one for one in gates if one.verdict.word is word]
        if found:
            return Verdict(word, "; ".join(f"{one.name}: {one.verdict.reason}" for one in found))
    return Verdict(Word.SHIP, f"all {len(gates)} gates ship")


def held_gate(name: str, reason: str) -> GateAnswer:
    """Return the answer of a gate that lacks data: hold, never ship."""
    return GateAnswer(name, Verdict(Word.HOLD, reason), None)


def readings_of_gates(gates: tuple[GateAnswer, ...]) -> list[Reading]:
    """Return gates as readings: too little data is unknown, and not green."""
    return [
        Reading(
            check="rollout",
            subject=one.name,
            light=_LIGHTS[one.verdict.word],
            value=one.value,
            sentence=f"{one.name}: {one.verdict.reason}",
        )
        for one in gates
    ]
