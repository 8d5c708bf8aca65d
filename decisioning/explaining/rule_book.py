"""The rule book: what all decisions of one policy have in common, stored once instead of with every decision."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from decisioning.policies.compiled import CompiledPolicy
from domain.decision import RuleVerdict
from domain.errors import StateError


@dataclass(frozen=True)
class RuleBook:
    """The rules behind the verdicts of decisions, and the names of the features stored with them.

    Attributes:
        rules: Name and kind of each rule, in the order in which they are checked.
        applies: Offer and channel of each candidate -> positions of its rules.
        features: Names of the stored features, in order.
    """

    rules: tuple[tuple[str, str], ...]
    applies: dict[tuple[str, str], tuple[int, ...]]
    features: tuple[str, ...]

    @classmethod
    def of(cls, policy: CompiledPolicy, features: Iterable[str]) -> RuleBook:
        """Create the rule book of a policy.

        Args:
            policy: The compiled policy.
            features: Features stored with decisions.
        """
        return cls(
            tuple((rule.name, rule.kind) for rule in policy.rules),
            {
                (offer.name, treatment.channel): tuple(position for position, _ in policy.asked[column])
                for column, (offer, treatment) in enumerate(policy.candidates.pairs)
            },
            tuple(sorted(features)),
        )

    @cached_property
    def text(self) -> str:
        """The rule book as JSON."""
        pairs = [[*pair, list(rules)] for pair, rules in self.applies.items()]
        content = {"rules": self.rules, "applies": pairs, "features": self.features}
        return json.dumps(content, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """Digest of the content, which identifies the rule book."""
        return blake2b(self.text.encode(), digest_size=16).hexdigest()

    @classmethod
    def from_text(cls, text: str) -> RuleBook:
        """Read a rule book from `text`.

        Raises:
            StateError: If the text is not a rule book.
        """
        try:
            content = json.loads(text)
            return cls(
                tuple((name, kind) for name, kind in content["rules"]),
                {(offer, channel): tuple(rules) for offer, channel, rules in content["applies"]},
                tuple(content["features"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StateError("the rules of a decision cannot be read", got=str(error)) from error

    def verdicts(self, offer: str, channel: str, failed: Sequence[tuple[int, str]]) -> tuple[RuleVerdict, ...]:
        """Return the verdicts on a candidate, given the rules that it failed."""
        reasons = dict(failed)
        return tuple(
            RuleVerdict(
                rule=self.rules[position][0],
                kind=self.rules[position][1],
                passed=position not in reasons,
                reason=reasons.get(position, ""),
            )
            for position in self.applies[offer, channel]
        )
