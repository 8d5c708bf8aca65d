"""The way of a proposal: drafted, tried out, approved by somebody else, written into the bank's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from config.bank import Bank
from config.proposals.entries import KINDS, entry_names, entry_text, kind_of, read_text
from config.proposals.form import Field, fields_of
from config.proposals.proposed import folder_digest, needs_risk, problems_of, proposed_bank, write_entry
from domain.errors import DataError, NboError, NotFoundError, StateError
from serving.decider import Decider
from serving.proposals.personas import try_personas
from serving.proposals.proposal import Approval, Evidence, Proposal, ProposalState
from storage.atomic import replace_text
from storage.lock import locked

RISK: Final = "risk"
TIMETABLE: Final = "timetable"
"""Name in the history of what happens by itself."""

Period = tuple[datetime | None, datetime | None]
"""When a proposal starts and ends by itself, each with its time zone."""

ALWAYS: Final[Period] = (None, None)
_LOCK: Final = "proposals.lock"

WhatIf = Callable[[Path, str, str, str], Mapping[str, Any]]
"""Compares today's bank with a proposed one: folder, kind, name and text of the entry -> tables."""


class ConflictError(StateError):
    """Somebody else was faster, or something has changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """The proposals of a bank, one file each.

    Attributes:
        folder: Folder of the proposals.
        bank_folder: The bank's folder, which stays the truth.
        decider: Returns the decider in use, whose models try the personas.
        what_if: Compares both sides.
    """

    folder: Path
    bank_folder: Path
    decider: Callable[[], Decider]
    what_if: WhatIf

    def all(self) -> list[Proposal]:
        """Return all proposals, the newest first."""
        files = self.folder.glob("*.json") if self.folder.is_dir() else []
        found = [Proposal.from_json(file.read_text(encoding="utf-8")) for file in files]
        return sorted(found, key=lambda one: -one.number)

    def get(self, number: int) -> Proposal:
        """Return a proposal.

        Raises:
            NotFoundError: There is none with this number.
        """
        try:
            return Proposal.from_json(self._file(number).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFoundError("there is no such proposal", got=str(number)) from None

    def base(self) -> str:
        """Return the digest of the bank's folder as it is."""
        return folder_digest(self.bank_folder)

    def entries(self) -> dict[str, list[str]]:
        """Return the names of all entries that can be changed, by kind."""
        return {name: entry_names(read_text(self.bank_folder / kind.file), kind) for name, kind in KINDS.items()}

    def entry(self, kind: str, name: str) -> str | None:
        """Return an entry of the folder as it is written; None if there is none."""
        place = kind_of(kind)
        return entry_text(read_text(self.bank_folder / place.file), place, name)

    def problems(self, kind: str, name: str, entry: str) -> list[str]:
        """Return what `nbo check` would say of the folder with an entry."""
        try:
            return problems_of(self.bank_folder, kind_of(kind), name, tidy(entry))
        except DataError as error:
            return [str(error)]

    def fields(self, kind: str) -> tuple[Field, ...]:
        """Return the fields of the form of a kind of entry."""
        return fields_of(kind_of(kind), self.decider().bank)

    def others(self, proposal: Proposal) -> list[Proposal]:
        """Return open proposals about the same entry."""
        same = (proposal.kind, proposal.name)
        return [
            one
            for one in self.all()
            if one.state is ProposalState.OPEN and one.number != proposal.number and (one.kind, one.name) == same
        ]

    def draft(self, author: str, kind: str, name: str, entry: str, period: Period = ALWAYS) -> Proposal:
        """Make a proposal.

        Args:
            author: Who proposes.
            kind: Kind of the entry.
            name: Name of the entry.
            entry: The entry; empty to remove it.
            period: When it starts and ends by itself.

        Raises:
            DataError: There is no such kind, the entry has no name, or it ends before it starts.
        """
        kind_of(kind)
        starts_at, ends_at = _bounds(period)
        if not name.strip():
            raise DataError("an entry needs a name", expected="such as savings_autumn")
        with self._locked():
            number = max((one.number for one in self.all()), default=0) + 1
            proposal = Proposal(
                number=number,
                version=1,
                author=author,
                authors=(author,),
                kind=kind,
                name=name.strip(),
                entry=tidy(entry),
                entry_before=self.entry(kind, name.strip()),
                starts_at=starts_at,
                ends_at=ends_at,
            )
            return self._kept(proposal, author, "proposed")

    def edit(self, number: int, author: str, version: int, entry: str, period: Period = ALWAYS) -> Proposal:
        """Change a proposal; what was found out about it, and its approval, no longer count.

        Raises:
            DataError: It ends before it starts.
            ConflictError: Somebody else has edited it since this version, or it is no longer open.
        """
        starts_at, ends_at = _bounds(period)
        with self._locked():
            proposal = self._open(number)
            if proposal.version != version:
                raise ConflictError(
                    f"{proposal.author} has edited this proposal meanwhile",
                    got=f"an edit of version {version}",
                    expected=f"one of version {proposal.version}",
                    remedy="open it again: your text was not saved",
                )
            changed = replace(
                proposal,
                version=version + 1,
                author=author,
                authors=tuple(dict.fromkeys((*proposal.authors, author))),
                entry=tidy(entry),
                starts_at=starts_at,
                ends_at=ends_at,
                what_if=None,
                personas=None,
                approval=None,
            )
            return self._kept(changed, author, "edited")

    def bank_with(self, proposal: Proposal) -> Bank:
        """Return the bank as it would be with a proposal, on the folder as it is.

        Raises:
            ConfigurationErrors: The folder would not be valid.
            DataError: The entry cannot be put into its file.
        """
        return proposed_bank(self.bank_folder, kind_of(proposal.kind), proposal.name, proposal.entry)

    def test(self, number: int, who: str, as_of: datetime) -> Proposal:
        """Try the personas on the bank as proposed, and compare its decisions with today's.

        Raises:
            ConfigurationErrors: The proposal has problems.
            ConflictError: It was edited meanwhile, or is no longer open.
        """
        proposal, base = self._open(number), self.base()
        outcomes = [asdict(one) for one in try_personas(self.decider(), self.bank_with(proposal), as_of)]
        tables = dict(self.what_if(self.bank_folder, proposal.kind, proposal.name, proposal.entry))
        with self._locked():
            now = self._open(number)
            if now.version != proposal.version or self.base() != base:
                raise ConflictError("the proposal or the folder was changed meanwhile", remedy="try it again")
            of = {"content": proposal.content_digest, "base": base}
            tried = replace(
                now,
                personas=Evidence(**of, result=outcomes),
                what_if=Evidence(**of, result=tables),
                approval=None,
            )
            return self._kept(tried, who, "tried out")

    def missing(self, proposal: Proposal) -> list[str]:
        """Say what a proposal still needs before it can be approved; empty if nothing."""
        base = self.base()
        found = self.problems(proposal.kind, proposal.name, proposal.entry)
        if not proposal.counts(proposal.what_if, base) or not proposal.counts(proposal.personas, base):
            found.append("it was not tried out as it is now, on the folder as it is now")
        elif proposal.personas is not None:
            found += [
                f"persona {one['persona']}: expected that {one['expected']}, but {one['got']}"
                for one in proposal.personas.result
                if not one["passed"]
            ]
        if self.entry(proposal.kind, proposal.name) != proposal.entry_before:
            found.append(f"somebody has changed {proposal.name} in the folder since it was proposed")
        return found

    def risk_of(self, proposal: Proposal) -> tuple[str, ...]:
        """Return what of a proposal only the risk role may approve; all of it if that cannot be told."""
        before = self.entry(proposal.kind, proposal.name) or ""
        try:
            return needs_risk(self.bank_with(replace(proposal, entry=before)), self.bank_with(proposal))
        except NboError:
            return (proposal.kind,)

    def approve(self, number: int, who: str, roles: frozenset[str]) -> Proposal:
        """Approve what is proposed, on the folder as it is, with what was found out about it.

        Raises:
            ConflictError: The approver is an author, lacks the role, or something is missing.
        """
        with self._locked():
            proposal = self._open(number)
            if who in proposal.authors:
                raise ConflictError("somebody else than its authors approves a proposal", got=who)
            if lacking := self.missing(proposal):
                raise ConflictError("this proposal cannot be approved", got="; ".join(lacking))
            risky = self.risk_of(proposal)
            if risky and RISK not in roles:
                raise ConflictError(f"a change of {' and '.join(risky)} is approved by the role risk", got=who)
            moment = datetime.now(UTC).isoformat(timespec="seconds")
            approval = Approval(by=who, at=moment, bound_to=proposal.binding(self.base()))
            return self._kept(replace(proposal, approval=approval), who, "approved")

    def apply(self, number: int, who: str, now: datetime) -> Proposal:
        """Write an approved proposal into the bank's folder; running services pick it up.

        Raises:
            ConflictError: It is not approved as it is now, on the folder as it is now, or starts later.
        """
        with self._locked():
            proposal = self._open(number)
            if not proposal.is_approved(self.base()):
                raise ConflictError("this proposal is not approved as it is now, on the folder as it is now")
            if proposal.start is not None and now < proposal.start:
                raise ConflictError("this proposal starts by itself", got=f"{now}", expected=proposal.starts_at)
            write_entry(self.bank_folder, kind_of(proposal.kind), proposal.name, proposal.entry)
            return self._kept(replace(proposal, state=ProposalState.APPLIED), who, "applied")

    def give_back(self, number: int, who: str, roles: frozenset[str] = frozenset()) -> Proposal:
        """Write what was there before an applied proposal; that was in force, so it needs no other approval.

        Args:
            number: Number of the proposal.
            who: Who does it.
            roles: Their roles: what only the risk role may approve, only it may give back.

        Raises:
            ConflictError: The proposal is not applied, the entry was changed since, the folder would not be valid, or
                the role is missing.
        """
        with self._locked():
            proposal = self.get(number)
            if proposal.state is not ProposalState.APPLIED:
                raise ConflictError("this proposal is not applied", got=proposal.state.value)
            if (self.entry(proposal.kind, proposal.name) or "") != proposal.entry:
                raise ConflictError(f"somebody has changed {proposal.name} in the folder since it was applied")
            before = proposal.entry_before or ""
            if problems := self.problems(proposal.kind, proposal.name, before):
                raise ConflictError("what was there before no longer fits the folder", got="; ".join(problems))
            risky = self.risk_of(replace(proposal, entry=before))
            # an end was approved with the proposal, and so was what it brings back
            if risky and RISK not in roles and who != TIMETABLE:
                raise ConflictError(f"a change of {' and '.join(risky)} is given back by the role risk", got=who)
            write_entry(self.bank_folder, kind_of(proposal.kind), proposal.name, before)
            return self._kept(replace(proposal, state=ProposalState.RETURNED), who, "returned")

    def note(self, number: int, who: str, what: str) -> Proposal:
        """Write into a proposal's history that it does not end by itself after all."""
        with self._locked():
            return self._kept(replace(self.get(number), ends_at=None), who, what)

    def withdraw(self, number: int, who: str) -> Proposal:
        """Withdraw a proposal; the folder stays as it is."""
        with self._locked():
            proposal = self._open(number)
            return self._kept(replace(proposal, state=ProposalState.WITHDRAWN, approval=None), who, "withdrawn")

    def _open(self, number: int) -> Proposal:
        proposal = self.get(number)
        if proposal.state is not ProposalState.OPEN:
            raise ConflictError("this proposal is no longer open", got=proposal.state.value)
        return proposal

    def _kept(self, proposal: Proposal, who: str, what: str) -> Proposal:
        line = (datetime.now(UTC).isoformat(timespec="seconds"), who, what)
        kept = replace(proposal, history=(*proposal.history, line))
        replace_text(self._file(kept.number), kept.to_json())
        return kept

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / _LOCK):
            yield


def _bounds(period: Period) -> tuple[str | None, str | None]:
    start, end = period
    if start is not None and end is not None and end <= start:
        raise DataError("it ends before it starts", got=f"{end}", expected=f"after {start}")
    first, last = (None if one is None else one.isoformat(timespec="minutes") for one in period)
    return first, last


def tidy(entry: str) -> str:
    """Return an entry with the line ends of a file, and one at its end."""
    text = entry.replace("\r\n", "\n").strip()
    return f"{text}\n" if text else ""
