"""Customers' responses to an offer: a click, an acceptance with its consequences, a decline, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.agenda import Agenda
from simulation.attachment import WAIVER_DAYS
from simulation.catalogue import OfferArrays
from simulation.clock import SimulatedClock
from simulation.journal import Recorder
from simulation.kinds import KIND
from simulation.market import ANSWERS, CALL, CURRENT_ACCOUNT, EMAIL, PUSH, BoolArray, FloatArray, IntArray
from simulation.needs import Needs
from simulation.odds import logistic
from simulation.randomness import stream
from simulation.state import CustomerState

SECOND = 1_000_000
PRESENTED, CLICKED, ACCEPTED, DECLINED = range(len(ANSWERS))
NO_ANSWER = -1
"""Value of `accepted_at` for offers that were not accepted."""
LONGEST_WAIT_SECONDS = 13 * 86_400
"""No response takes longer: well within the offers' response windows."""
TYPICAL_WAIT_SECONDS = {EMAIL: 6 * 3600.0, PUSH: 40 * 60.0, CALL: 240.0}
INBOUND_WAIT_SECONDS = 30.0
DECLINE_SHARE = np.array([0.06, 0.05, 0.015, 0.03, 0.0, 0.6, 0.0])
"""Share of those not accepting who decline explicitly, by channel."""


@dataclass(frozen=True, slots=True)
class Put:
    """Offers presented to customers on a day in a channel, each as part of a decision and chosen with a probability."""

    day: int
    channel: int
    customers: IntArray
    at: IntArray
    offer: IntArray
    decision: IntArray
    selection_probability: FloatArray


class Answers:
    """Draws responses and puts their consequences on the agenda.

    Attributes:
        contacts: The contact history: customer, at, kind, channel, offer, decision, selection_probability.
    """

    def __init__(self, catalogue: OfferArrays, clock: SimulatedClock, agenda: Agenda, seed: int) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._agenda = agenda
        self._rng = stream(seed, "answers")
        self.contacts = Recorder(
            {"customer": "i4", "at": "i8", "kind": "i1", "channel": "i1", "offer": "i2", "decision": "i8"}
            | {"selection_probability": "f8"}
        )

    def draw(self, put: Put, accepted: BoolArray, state: CustomerState, needs: Needs) -> IntArray:
        """Record the offers and the responses; return when each offer was accepted, or `NO_ANSWER`."""
        rng, n = self._rng, len(put.customers)
        product = self._catalogue.product[put.offer]
        need = np.where(product >= 0, needs.level[put.customers, np.maximum(product, 0)], 0.0)
        curious = rng.random(n) < logistic(-3.2 + 0.8 * need) * np.maximum(state.fade[put.customers], 0.1)
        clicks = np.where(accepted, rng.random(n) < 0.9, curious) & (put.channel != CALL)
        clicked_at = put.at + self._wait(put.channel, n)
        decided_at = clicked_at + np.clip(rng.lognormal(np.log(240), 0.9, n), 10, 86_400).astype(np.int64) * SECOND
        declines = ~accepted & (rng.random(n) < DECLINE_SHARE[put.channel])
        self._record(PRESENTED, put, np.ones(n, np.bool_), put.at)
        self._record(CLICKED, put, clicks, clicked_at)
        self._record(ACCEPTED, put, accepted, decided_at)
        self._record(DECLINED, put, declines, decided_at)
        self._follow(put, accepted, decided_at, state)
        return np.where(accepted, decided_at, NO_ANSWER)

    def _wait(self, channel: int, count: int) -> IntArray:
        typical = TYPICAL_WAIT_SECONDS.get(channel, INBOUND_WAIT_SECONDS)
        spread = 1.3 if channel in (EMAIL, PUSH) else 0.7
        seconds = np.clip(self._rng.lognormal(np.log(typical), spread, count), 5, LONGEST_WAIT_SECONDS)
        wait: IntArray = seconds.astype(np.int64) * SECOND
        return wait

    def _record(self, kind: int, put: Put, which: BoolArray, at: IntArray) -> None:
        self.contacts.add(
            customer=put.customers[which],
            at=at[which],
            kind=kind,
            channel=put.channel,
            offer=put.offer[which],
            decision=put.decision[which],
            selection_probability=put.selection_probability[which] if kind == PRESENTED else np.nan,
        )

    def _follow(self, put: Put, accepted: BoolArray, decided_at: IntArray, state: CustomerState) -> None:
        """Put the consequences of acceptances on the agenda: an application, a return, waived fees, care."""
        customers, at, offer = put.customers[accepted], decided_at[accepted], put.offer[accepted]
        product, retention = self._catalogue.product[offer], self._catalogue.retention[offer]
        sells = self._catalogue.sells[offer] & (self._rng.random(len(offer)) < 0.85)
        delay = np.clip(self._rng.lognormal(np.log(1800), 1.5, int(sells.sum())), 30, 3 * 86_400).astype(np.int64)
        self._agenda.put("apply", customers[sells], at[sells] + delay * SECOND, product[sells], put.channel, 1)
        won = retention & (state.leaving[customers] | state.quiet[customers])
        self._agenda.put("return", customers[won], at[won])
        keeps = customers[retention & (product == CURRENT_ACCOUNT)]
        state.waiver_until[keeps] = np.maximum(state.waiver_until[keeps], put.day + WAIVER_DAYS)
        for kind, code in KIND.items():
            cared = self._catalogue.kind[offer] == code
            self._agenda.put(kind, customers[cared], at[cared], put.channel)
