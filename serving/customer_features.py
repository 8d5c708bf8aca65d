"""Current features of customers: last midnight's state plus what has happened since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from config.bank import Bank
from domain.errors import StateError
from events.log import EventLog
from events.schema import conform
from events.segments import empty_table
from features.calendar import Calendar
from features.compute import compute_features
from features.kernel.columns import EVENT_COLUMNS
from features.moments import Moments, utc_microseconds
from features.state import features_from_states
from features.table import FeatureTable
from records.event_rows import COLUMNS, microseconds, moment_of, table_of_rows
from records.journal import Journal, Recent, available_from
from records.validation import CLOCK_SKEW
from serving.intraday import TodaysEvents

if TYPE_CHECKING:  # without an online store Feast need not be imported
    from features.store.online import OnlineRead


class StateReader(Protocol):
    """Reads online states; `features.store.online.OnlineStates` is one."""

    def read(self, customer_ids: Sequence[str], now: datetime) -> OnlineRead:
        """Read the states of the last midnight before `now`."""


NO_STORE = "no online store"
"""Note of features computed from the log because there is no store."""
CLOCK_BEHIND = "the clock is behind the customer's latest data"
_SKEW = CLOCK_SKEW // timedelta(microseconds=1)

_MERGED = [*EVENT_COLUMNS, "event_id"]
_ID, _CUSTOMER, _OCCURRED = (COLUMNS.index(name) for name in ("event_id", "customer_id", "occurred_at"))
_NOTHING_RECENT = Recent((), (), 0, 0, -1, unsettled=False)


class Origin(StrEnum):
    """Where a customer's features came from.

    - `state` and `log` give the same numbers for the same events and moment; they differ in cost.
    - `nothing`: the bank knows nothing of the customer. Features are those of no history, stage NULL, until the decider
      applies its cold start; without a cold start, offers bound to a stage are not made.
    - `unknown`: what the bank knows could not be read. Every feature is NULL, so that consent, eligibility and limits
      fail, and only offers that need none of them are made.
    """

    STATE = "state"
    LOG = "log"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CustomerFeatures:
    """Features of one or more customers, and where they came from.

    Attributes:
        features: One row per customer.
        as_of: Moment of the features: the requested one, or just after the newest item known of the customer, if a
            replica whose clock is ahead has accepted or decided it.
        versions: Version of each customer's data when it was read.
        erasure: Number of the latest erasure of any customer before that.
        note: Why the online state was not used, if it was not.
    """

    features: FeatureTable
    as_of: datetime
    origin: Origin
    versions: tuple[int, ...]
    erasure: int
    note: str = ""

    def take(self, rows: NDArray[np.intp]) -> CustomerFeatures:
        """Select customers by position."""
        versions = tuple(self.versions[row] for row in rows.tolist())
        return replace(self, features=self.features.take(rows), versions=versions)


class CustomerReader:
    """Reads customers' features as of a moment.

    The state of last midnight is merged with the journal and with today's events of the log. If one of them is missing
    (state of another midnight, no answer from the store, a log that was just written to, an event of an earlier day
    that the state lacks), everything is computed from the log and the journal: the same result, but slower.

    Args:
        bank: Bank whose features and journey are computed.
        log: Event log.
        states: Online states; None to compute always from the log.
        journal: Events accepted since the log was last written to; None if no events are accepted.
        today: Keeps today's events of the log in memory; None to read the log each time.

    Attributes:
        calendar: The bank's local days.
    """

    def __init__(
        self,
        bank: Bank,
        log: EventLog,
        states: StateReader | None,
        journal: Journal | None = None,
        today: TodaysEvents | None = None,
    ) -> None:
        self._bank = bank
        self._log = log
        self._states = states
        self._journal = journal
        self._today = today
        self.calendar = Calendar(bank.time_zone)

    def midnight(self, moment: datetime) -> int:
        """Return the local midnight at the start of a moment's day, UTC microseconds."""
        return int(self.calendar.midnight(np.array([microseconds(moment)]))[0])

    def read(self, customer_id: str, as_of: datetime, *, live: bool = False) -> CustomerFeatures:
        """Read one customer's features; arguments and errors are those of `read_together`."""
        [read] = self.read_together([customer_id], as_of, live=live)
        return read

    def read_together(
        self, customer_ids: Sequence[str], as_of: datetime, *, live: bool = False
    ) -> list[CustomerFeatures]:
        """Read the states of last midnight and merge later events; without a state, compute from the whole log.

        Args:
            customer_ids: Distinct ids; they may be unknown.
            as_of: Aware moment.
            live: The moment is now. Then everything accepted or decided counts, even if the clock of the replica that
                did it is a little ahead; and if the log cannot be read, the customer's features are unknown. They are
                unknown too if the customer's data is much newer than now: the machine's clock was moved, and days
                within limits cannot be determined.

        Returns:
            Every customer once: most of them together, and separately those that had to be read another way.

        Raises:
            StateError: The journal does not answer or, if not live, the log cannot be read.
        """
        now, midnight = microseconds(as_of), self.midnight(as_of)
        recent = dict.fromkeys(customer_ids, _NOTHING_RECENT)
        if self._journal is not None:
            recent = self._journal.recent_of(customer_ids, midnight)
        moments: dict[int, list[str]] = {}
        ahead = [customer for customer, known in recent.items() if live and known.latest - now > _SKEW]
        for customer, known in recent.items():
            if customer in ahead:
                continue
            moment = known.latest + 1 if live and known.latest >= now else now
            moments.setdefault(moment, []).append(customer)
        found = [
            read
            for moment, customers in moments.items()
            for read in self._read_at({name: recent[name] for name in customers}, moment_of(moment), live=live)
        ]
        return found + [self._unknown(customer, as_of, recent[customer], CLOCK_BEHIND) for customer in ahead]

    def _read_at(self, recent: Mapping[str, Recent], as_of: datetime, *, live: bool) -> Iterator[CustomerFeatures]:
        found, notes = self._from_states(recent, as_of)
        if found is not None:
            yield found
        by_note: dict[str, dict[str, Recent]] = {}
        for customer, note in notes.items():
            by_note.setdefault(note, {})[customer] = recent[customer]
        for note, subset in by_note.items():
            yield from self._from_log(subset, as_of, note, live=live)

    def _from_log(
        self, recent: Mapping[str, Recent], as_of: datetime, note: str, *, live: bool
    ) -> Iterator[CustomerFeatures]:
        try:
            logged = self._log.read_together(list(recent))
        except StateError as error:
            if len(recent) > 1:  # the damage may concern only one of them
                for customer, known in recent.items():
                    yield from self._from_log({customer: known}, as_of, note, live=live)
                return
            if not live:
                raise
            [(customer, known)] = recent.items()
            yield self._unknown(customer, as_of, known, str(error))
            return
        rows = [row for known in recent.values() for row in (*known.rows, *known.pending)]
        events = self._together(logged, rows)
        bank, moments = self._bank, Moments.at(list(recent), as_of)
        features = compute_features(events, moments, bank.feature_definitions)
        seen = set(events["customer_id"].unique().to_pylist())
        is_known = np.array([customer in seen for customer in recent])
        for origin, mask, why in (
            (Origin.LOG, is_known, note),
            (Origin.NOTHING, ~is_known, "unknown customer"),
        ):
            if mask.any():
                found = features.take(np.flatnonzero(mask))
                versions = tuple(recent[customer].version for customer in found.customer_ids.tolist())
                yield CustomerFeatures(found, as_of, origin, versions, _erasure(recent), why)

    def events(self, customer_id: str, as_of: datetime) -> pa.Table:
        """Return all known events of a customer, from log and journal, each once, in no order.

        Args:
            customer_id: May be unknown.
            as_of: The moment; pending contacts count as presented.
        """
        logged = self._log.read_customer(customer_id)
        if self._journal is None:
            return logged
        recent = self._journal.recent(customer_id, self.midnight(as_of))
        known = set(logged["event_id"].to_pylist())
        rows = [row for row in (*recent.rows, *recent.pending) if row[_ID] not in known]
        return pa.concat_tables([logged, conform(table_of_rows(rows))])

    def _unknown(self, customer: str, as_of: datetime, known: Recent, why: str) -> CustomerFeatures:
        return CustomerFeatures(
            self._null_features(customer, as_of), as_of, Origin.UNKNOWN, (known.version,), known.erasure, why
        )

    def _null_features(self, customer_id: str, as_of: datetime) -> FeatureTable:
        schema, moment = self._bank.features.schema, np.array([utc_microseconds(as_of)])
        columns = {name: np.array([np.nan]) for name in schema}
        return FeatureTable(np.array([customer_id], dtype=object), moment, columns, schema)

    def _from_states(
        self, recent: Mapping[str, Recent], as_of: datetime
    ) -> tuple[CustomerFeatures | None, dict[str, str]]:
        """Compute from online states; return also the customers for whom that is impossible, with the reason."""
        if self._states is None:
            return None, dict.fromkeys(recent, NO_STORE)
        unsettled = [customer for customer, known in recent.items() if known.unsettled]
        notes = dict.fromkeys(unsettled, "an event of an earlier day is not in the online state yet")
        asked = [customer for customer in recent if customer not in notes]
        try:
            read = self._states.read(asked, as_of)
        except StateError as error:
            return None, notes | dict.fromkeys(asked, str(error))
        notes |= dict.fromkeys(read.missing, "no online state")
        notes |= dict.fromkeys(read.stale, "the online state is of another midnight")
        states, midnight = read.states, self.midnight(as_of)
        logged, rows = [], []
        for customer in states.customer_ids.tolist():
            today = None if self._today is None else self._today.of_customer(customer, midnight)
            try:
                logged.append(self._log.read_customer(customer) if today is None else today)
            except StateError as error:
                notes[customer] = str(error)
                continue
            # pending contacts of earlier days, not reported as presented, are in no state: they count as news of today
            rows += available_from([*recent[customer].rows, *recent[customer].pending], midnight)
        if len(logged) < len(states):
            states = states.take(np.flatnonzero([name not in notes for name in states.customer_ids.tolist()]))
        if not len(states):
            return None, notes
        filled = [table.select(_MERGED) for table in logged if len(table)]
        later = self._together(pa.concat_tables(filled) if filled else empty_table(), rows)
        bank = self._bank
        features = features_from_states(states, later, as_of, bank.feature_definitions)
        versions = tuple(recent[customer].version for customer in states.customer_ids.tolist())
        return CustomerFeatures(features, as_of, Origin.STATE, versions, _erasure(recent)), notes

    @staticmethod
    def _together(logged: pa.Table, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
        """Concatenate events of log and journal, each once."""
        if not rows:
            return logged
        if len(logged):
            known = set(logged["event_id"].to_pylist())
            rows = [row for row in rows if row[_ID] not in known]
        # the kernel needs this order, and sorting tables takes longer
        unlogged = table_of_rows(sorted(rows, key=itemgetter(_CUSTOMER, _OCCURRED))).select(EVENT_COLUMNS)
        if not len(logged):
            return unlogged
        whole = logged.select(EVENT_COLUMNS)
        return pa.concat_tables([whole, unlogged.cast(whole.schema)])


def _erasure(recent: Mapping[str, Recent]) -> int:
    return min(known.erasure for known in recent.values())
