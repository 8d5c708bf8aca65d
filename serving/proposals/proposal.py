"""A proposal: one entry as somebody wants it, what was found out about it, and who approved exactly that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any


class ProposalState(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    """What was there before is in the folder again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something found out about a proposal, which counts for this content on this base alone.

    Attributes:
        content: Digest of the content.
        base: Digest of the folder.
        result: What was found.
    """

    content: str
    base: str
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An approval, by somebody else than the author.

    Attributes:
        by: Who approved.
        at: When, as ISO 8601.
        bound_to: Digest of content, base, what-if and personas.
    """

    by: str
    at: str
    bound_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal to create, change or remove one entry.

    Attributes:
        number: Number of the proposal.
        version: Grows with every edit.
        author: Who proposed it, or edited it last.
        authors: Everybody who edited it: none of them may approve it.
        kind: Kind of the entry.
        name: Name of the entry.
        entry: The entry as YAML; empty to remove it.
        entry_before: The entry in the folder when the proposal was made; None if there was none.
        starts_at: Moment at which it is written into the folder, as ISO 8601 with offset; None for when somebody does.
        ends_at: Moment at which what was there before comes back; None if it stays.
        what_if: Comparison with today, once computed.
        personas: Outcomes of the personas, once computed.
        history: What happened to it: moment, who, what.
    """

    number: int
    version: int
    author: str
    authors: tuple[str, ...]
    kind: str
    name: str
    entry: str
    entry_before: str | None
    starts_at: str | None = None
    ends_at: str | None = None
    state: ProposalState = ProposalState.OPEN
    what_if: Evidence | None = None
    personas: Evidence | None = None
    approval: Approval | None = None
    history: tuple[tuple[str, str, str], ...] = ()

    @property
    def content_digest(self) -> str:
        """Digest of what is proposed, and for when."""
        return _digest([self.kind, self.name, self.entry, self.starts_at, self.ends_at])

    @property
    def start(self) -> datetime | None:
        """Moment at which it is written by itself."""
        return None if self.starts_at is None else datetime.fromisoformat(self.starts_at)

    @property
    def end(self) -> datetime | None:
        """Moment at which it ends by itself."""
        return None if self.ends_at is None else datetime.fromisoformat(self.ends_at)

    def counts(self, evidence: Evidence | None, base: str) -> bool:
        """Whether evidence is about this content on this base."""
        return evidence is not None and (evidence.content, evidence.base) == (self.content_digest, base)

    def binding(self, base: str) -> str:
        """Return the digest of content, base, what-if and personas."""
        found = [None if one is None else asdict(one) for one in (self.what_if, self.personas)]
        return _digest([self.content_digest, base, *found])

    def is_approved(self, base: str) -> bool:
        """Whether exactly this was approved, on a folder with this digest."""
        return self.approval is not None and self.approval.bound_to == self.binding(base)

    def to_json(self) -> str:
        """Return the proposal as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Proposal:
        """Read a proposal."""
        content = json.loads(text)
        for name, shape in (("what_if", Evidence), ("personas", Evidence), ("approval", Approval)):
            content[name] = None if content[name] is None else shape(**content[name])
        content["state"] = ProposalState(content["state"])
        content["authors"] = tuple(content["authors"])
        content["history"] = tuple(tuple(line) for line in content["history"])
        return cls(**content)


def _digest(content: list[Any] | Mapping[str, Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
