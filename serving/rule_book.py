"""Which rules a policy has, and which of them are about which candidate: kept once, not with every decision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from decisioning.compiled import BUDGET, SCORE, CompiledPolicy
from domain.decision import Verdict
from domain.errors import StateError


@dataclass(frozen=True)
class RuleBook:
    """The rules behind the verdicts of a decision.

    Attributes:
        rules: Name and kind of each, in the order in which they are asked.
        applies: Offer and channel of each candidate -> positions of the rules about it.
    """

    rules: tuple[tuple[str, str], ...]
    applies: dict[tuple[str, str], tuple[int, ...]]

    @classmethod
    def of(cls, policy: CompiledPolicy) -> RuleBook:
        """Take down the rules of a policy."""
        about: list[set[int]] = []
        for position, rule in enumerate(policy.rules):
            if rule.kind == SCORE:
                about.append(set(policy.scored.tolist()))
            elif rule.kind == BUDGET:
                about.append(
                    {column for budget in policy.budgets if budget.bit == position for column in budget.columns}
                )
            else:
                about.append({column for part in rule.parts for column in part.places_of})
        return cls(
            tuple((rule.name, rule.kind) for rule in policy.rules),
            {
                (offer.name, treatment.channel): tuple(
                    position for position, columns in enumerate(about) if column in columns
                )
                for column, (offer, treatment) in enumerate(policy.candidates.pairs)
            },
        )

    @cached_property
    def text(self) -> str:
        """The book as JSON."""
        pairs = [[*pair, list(rules)] for pair, rules in self.applies.items()]
        return json.dumps({"rules": self.rules, "applies": pairs}, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """Name of the book: of what is in it."""
        return blake2b(self.text.encode(), digest_size=16).hexdigest()

    @classmethod
    def from_text(cls, text: str) -> RuleBook:
        """Read what `text` wrote.

        Raises:
            StateError: It is no such book.
        """
        try:
            content = json.loads(text)
            return cls(
                tuple((name, kind) for name, kind in content["rules"]),
                {(offer, channel): tuple(rules) for offer, channel, rules in content["applies"]},
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StateError("the rules of a decision cannot be read", got=str(error)) from error

    def verdicts(self, offer: str, channel: str, failed: Sequence[tuple[int, str]]) -> tuple[Verdict, ...]:
        """Write the verdicts about a candidate out.

        Args:
            offer: Of the candidate.
            channel: Of the candidate.
            failed: Positions of the rules that failed, with their reasons.
        """
        reasons = dict(failed)
        return tuple(
            Verdict(
                rule=self.rules[position][0],
                kind=self.rules[position][1],
                passed=position not in reasons,
                reason=reasons.get(position, ""),
            )
            for position in self.applies[offer, channel]
        )
