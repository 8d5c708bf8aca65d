"""Features of one customer now: last midnight's state with what came since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa

from config.bank import Bank
from domain.errors import StateError
from events.log import EventLog
from features.calendar import Calendar
from features.compute import compute_features
from features.moments import Moments
from features.state import features_from_states
from features.table import FeatureTable

if TYPE_CHECKING:  # whoever has no online store need not wait for Feast
    from features.store.online import OnlineStates


class Origin(StrEnum):
    """Where a customer's features came from.

    All three give the same numbers for the same log and moment; they differ in what they cost, and `nothing` tells
    that the bank knows nothing of the customer: features are those of no history, stage NULL, so that offers bound to
    a stage are not for them.
    """

    STATE = "state"
    LOG = "log"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class CustomerFeatures:
    """One row of features, and where it came from.

    Attributes:
        note: Why the online state was not used, where it was not.
    """

    features: FeatureTable
    origin: Origin
    note: str = ""


class CustomerReader:
    """Reads a customer's features as of a moment.

    Args:
        bank: Its features and journey.
        log: Where events are, those of a moment ago too.
        states: Online states, or None to compute from the log always.
    """

    def __init__(self, bank: Bank, log: EventLog, states: OnlineStates | None) -> None:
        self._bank = bank
        self._log = log
        self._states = states
        self._calendar = Calendar(bank.time_zone)

    def read(self, customer_id: str, as_of: datetime) -> CustomerFeatures:
        """Read the state of last midnight and merge what came since; without one, compute from the whole log.

        Args:
            customer_id: May be unknown.
            as_of: The moment, aware.
        """
        events = self._log.read_customer(customer_id)
        if not len(events):
            return CustomerFeatures(self._computed(events, customer_id, as_of), Origin.NOTHING, "unknown customer")
        note = "no online store"
        if self._states is not None:
            try:
                found = self._states.read([customer_id], as_of)
            except StateError as error:
                note = str(error)
            else:
                if len(found.states.customer_ids):
                    bank = self._bank
                    features = features_from_states(
                        found.states, events, as_of, bank.features, bank.journey, self._calendar
                    )
                    return CustomerFeatures(features, Origin.STATE)
                note = "the online state is of another midnight" if found.stale else "no online state"
        return CustomerFeatures(self._computed(events, customer_id, as_of), Origin.LOG, note)

    def _computed(self, events: pa.Table, customer_id: str, as_of: datetime) -> FeatureTable:
        bank = self._bank
        moments = Moments.at([customer_id], as_of)
        return compute_features(events, moments, bank.features, bank.journey, self._calendar)
