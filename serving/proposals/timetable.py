"""Starts approved proposals, and ends applied ones, when their time has come."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from domain.errors import NboError
from serving.proposals.proposal import Proposal, ProposalState
from serving.proposals.workflow import TIMETABLE, Proposals

logger: Final = logging.getLogger("nbo.proposals")


class Timetable:
    """What of a bank's proposals happens by itself; any number of processes may turn it.

    Args:
        proposals: The proposals.
    """

    def __init__(self, proposals: Proposals) -> None:
        self._proposals = proposals
        self._stamp: int | None = None
        self._next: datetime | None = None

    def turn(self, now: datetime) -> list[Proposal]:
        """Start and end what is due; return it.

        The files are read only if one of them has changed, or the next moment has come.
        """
        try:
            stamp = self._proposals.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if stamp == self._stamp and (self._next is None or now < self._next):
            return []
        self._stamp = stamp
        everything = self._proposals.all()
        done = [
            turned
            for one in everything
            if (moment := _moment(one)) is not None and moment <= now and (turned := self._turned(one, now)) is not None
        ]
        later = [moment for one in everything if (moment := _moment(one)) is not None and moment > now]
        self._next = min(later, default=None)
        return done

    def _turned(self, proposal: Proposal, now: datetime) -> Proposal | None:
        try:
            if proposal.state is ProposalState.APPLIED:
                return self._proposals.give_back(proposal.number, TIMETABLE)
            # whatever took the approval back since, somebody has to approve it again
            if proposal.is_approved(self._proposals.base()):
                return self._proposals.apply(proposal.number, TIMETABLE, now)
        except NboError as error:
            logger.error("a proposal did not start or end", extra={"number": proposal.number, "why": str(error)})
            if proposal.state is ProposalState.APPLIED:
                self._proposals.note(proposal.number, TIMETABLE, f"not ended: {error}")
        return None


def _moment(proposal: Proposal) -> datetime | None:
    """Return when something is due for a proposal; None if nothing is."""
    if proposal.state is ProposalState.OPEN and proposal.approval is not None:
        return proposal.start
    return proposal.end if proposal.state is ProposalState.APPLIED else None
