"""Contacts: offers presented in weekly waves and at logins, and customers' responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulation.agenda import first_of_each
from simulation.answers import Answers, Put
from simulation.attachment import LOYALTY_EFFECT, WAIVER_EFFECT, Attachment
from simulation.attributes import Attributes
from simulation.behaviour import Sessions
from simulation.catalogue import OfferArrays
from simulation.clock import SimulatedClock
from simulation.journal import Recorder
from simulation.kinds import KIND, URGENT
from simulation.market import APP, CALL, CHANNELS, EMAIL, PUSH, WEB, BoolArray, FloatArray, IntArray
from simulation.marketing import Marketing
from simulation.needs import Needs
from simulation.randomness import stream
from simulation.reasons import reasons
from simulation.response import Response
from simulation.state import CustomerState

INBOUND_CHANCE: Final = 0.055
"""Chance that a login shows an offer, at most one a day."""
WAVE_CHANCE: Final = {EMAIL: 0.055, PUSH: 0.042, CALL: 0.018}
"""Chance of being in a weekly wave, with consent and unless contacted in that channel within the pause."""
PAUSE_DAYS: Final = {EMAIL: 7, PUSH: 7, CALL: 30}
WAVE_HOURS: Final = {EMAIL: (8.5, 11.0), PUSH: (17.0, 19.0), CALL: (9.5, 17.0)}
WAVE_WEEKDAY: Final = {EMAIL: 1, PUSH: 3, CALL: 2}
TIREDNESS: Final = np.array([0.15, 0.15, 0.6, 0.6, 0.0, 1.0, 0.0])
"""What a contact in each channel adds to fatigue."""
URGENT_CHANCE: Final = 0.12
"""Chance of being in a wave with a reason for an urgent kind of care, such as a complaint in the last month."""
FATIGUE_MEMORY: Final = 0.95
"""Daily factor on fatigue: half of it fades within two weeks."""
ALTERNATIVES_SHARE: Final = 0.04
"""Share of decisions for which the truth about every candidate is recorded."""
HORIZON_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Customers to whom an offer may be presented in a channel, with the chance by which each was selected."""

    day: int
    channel: int
    customers: IntArray
    at: IntArray
    chance: FloatArray

    def take(self, rows: IntArray) -> Opportunity:
        """Select some of them."""
        return Opportunity(self.day, self.channel, self.customers[rows], self.at[rows], self.chance[rows])


@dataclass(kw_only=True, eq=False)
class Contacts:
    """Presents offers, draws the responses, and records the truth about both.

    Attributes:
        presentations: One row for each offer presented: customer, moment, offer, and the probabilities of its choice
            and acceptance.
        alternatives: For a sample of decisions, every candidate and its potential outcome.
    """

    catalogue: OfferArrays
    response: Response
    marketing: Marketing
    attributes: Attributes
    attachment: Attachment
    clock: SimulatedClock
    answers: Answers
    seed: int

    def __post_init__(self) -> None:
        self._rng = stream(self.seed, "contacts")
        self.presentations = Recorder(
            {"customer": "i4", "decision": "i8", "at": "i8", "offer": "i2", "channel": "i1"}
            | dict.fromkeys(("contact_probability", "selection_probability", "acceptance_probability"), "f8")
            | {"accepted": "?", "accepted_at": "i8"}
            | dict.fromkeys(("engaged_probability_60d_if_not_offered", "engaged_probability_60d_if_offered"), "f8")
        )
        self.alternatives = Recorder(
            {"customer": "i4", "decision": "i8", "at": "i8", "offer": "i2", "channel": "i1"}
            | {"allowed": "?", "selection_probability": "f8", "acceptance_probability": "f8", "accepts_if_offered": "?"}
        )

    def day(self, day: int, state: CustomerState, needs: Needs, logins: Sessions) -> None:
        """Present the day's offers: at logins, and on the weekday of a wave also by e-mail, push or phone."""
        state.fatigue *= FATIGUE_MEMORY
        shown = self._rng.random(len(logins.customers)) < INBOUND_CHANCE
        rows = np.flatnonzero(shown)
        rows = rows[first_of_each(logins.customers[rows])]
        for channel in (APP, WEB):
            here = rows[logins.channel[rows] == channel]
            at = logins.at[here] + self._rng.integers(2, 20, len(here)) * 1_000_000
            chance = np.full(len(here), INBOUND_CHANCE)
            self._put(Opportunity(day, channel, logins.customers[here], at, chance), state, needs)
        for channel, weekday in WAVE_WEEKDAY.items():
            if self.clock.weekday(day) == weekday:
                self._put(self._wave(day, channel, state), state, needs)

    def _wave(self, day: int, channel: int, state: CustomerState) -> Opportunity:
        """Draw who is contacted: customers with consent, after a pause, more often those with something urgent."""
        on_file = self.attributes
        consent = {EMAIL: on_file.consent_email, PUSH: on_file.consent_push, CALL: on_file.consent_call}[channel]
        rested = day - state.last_contact[:, channel] >= PAUSE_DAYS[channel]
        reachable = np.flatnonzero(state.here & consent & rested)
        urgent = reasons(reachable, day, state, on_file)[:, URGENT].any(axis=1)
        chance = np.where(urgent, URGENT_CHANCE, WAVE_CHANCE[channel])
        drawn = self._rng.random(len(reachable)) < chance
        first, last = WAVE_HOURS[channel]
        at = self.clock.moments(day, self._rng.uniform(first * 3600, last * 3600, int(drawn.sum())))
        return Opportunity(day, channel, reachable[drawn], at, chance[drawn])

    def _put(self, opportunity: Opportunity, state: CustomerState, needs: Needs) -> None:
        """Choose offers by the past policy, draw the responses from the truth, and record both."""
        day, channel = opportunity.day, opportunity.channel
        allowed = self.marketing.allowed(opportunity.customers, day, state)
        selectable = allowed & self.marketing.offered_in(CHANNELS[channel])
        with_offers = np.flatnonzero(selectable.any(axis=1))
        opportunity, allowed, selectable = opportunity.take(with_offers), allowed[with_offers], selectable[with_offers]
        customers, row = opportunity.customers, np.arange(len(with_offers))
        selection = self.marketing.choice(customers, selectable, day, state)
        offer = _draw(selection, self._rng.random(len(customers)))
        truth = self.response.probabilities(customers, day, state, needs)
        acceptance, luck = truth[row, self._candidate(offer, channel)], self._rng.random(len(customers))
        decision, probability = self.presentations.rows + row, selection[row, offer]
        put = Put(day, channel, customers, opportunity.at, offer, decision, probability)
        accepted = luck < acceptance
        accepted_at = self.answers.draw(put, accepted, state, needs)
        without, with_offer = self._engagement(put, acceptance, state)
        self.presentations.add(
            customer=customers,
            decision=put.decision,
            at=put.at,
            offer=offer,
            channel=channel,
            contact_probability=opportunity.chance,
            selection_probability=put.selection_probability,
            acceptance_probability=acceptance,
            accepted=accepted,
            accepted_at=accepted_at,
            engaged_probability_60d_if_not_offered=without,
            engaged_probability_60d_if_offered=with_offer,
        )
        self._keep_alternatives(put, allowed, selection, truth, luck)
        np.add.at(state.fatigue, customers, TIREDNESS[channel])
        state.last_contact[customers, channel] = day

    def _candidate(self, offer: IntArray, channel: int) -> IntArray:
        lookup = np.full(len(self.catalogue.offers), -1)
        here = np.flatnonzero(self.catalogue.candidate_channel == channel)
        lookup[self.catalogue.candidate_offer[here]] = here
        return np.asarray(lookup[offer], dtype=np.int64)

    def _keep_alternatives(
        self, put: Put, allowed: BoolArray, selection: FloatArray, truth: FloatArray, luck: FloatArray
    ) -> None:
        """Record potential outcomes of a sample of decisions: the same random number decides for every candidate."""
        kept = np.flatnonzero(self._rng.random(len(luck)) < ALTERNATIVES_SHARE)
        width = truth.shape[1]
        of, in_channel = self.catalogue.candidate_offer, self.catalogue.candidate_channel == put.channel

        def spread(values: NDArray[Any]) -> NDArray[Any]:
            return np.repeat(values[kept], width)

        self.alternatives.add(
            customer=spread(put.customers),
            decision=spread(put.decision),
            at=spread(put.at),
            offer=np.tile(of, len(kept)),
            channel=np.tile(self.catalogue.candidate_channel, len(kept)),
            selection_probability=(selection[kept][:, of] * in_channel).ravel(),
            allowed=allowed[kept][:, of].ravel(),
            acceptance_probability=truth[kept].ravel(),
            accepts_if_offered=(luck[kept][:, None] < truth[kept]).ravel(),
        )

    def _engagement(self, put: Put, acceptance: FloatArray, state: CustomerState) -> tuple[FloatArray, FloatArray]:
        """Return the probability of being engaged in 60 days, without and with the offer; NaN if it has no effect."""
        day, customers = put.day, put.customers
        quiet = state.quiet[customers]
        comes_back = 1 - np.exp(-HORIZON_DAYS * self.attachment.return_hazard(day, state, customers))
        hazard = self.attachment.leaving_hazard(day, state, customers) * HORIZON_DAYS
        without = np.where(quiet, comes_back, np.exp(-hazard))
        retention, loyalty = self.catalogue.retention[put.offer], self.catalogue.kind[put.offer] == KIND["loyalty"]
        effect = np.where(retention, WAIVER_EFFECT, LOYALTY_EFFECT)
        bound = np.where(quiet, np.where(retention, 1.0, without), np.exp(-effect * hazard))
        with_offer = without + acceptance * (bound - without)
        known = (retention | loyalty) & ~state.leaving[customers]
        return np.where(known, without, np.nan), np.where(known, with_offer, np.nan)


def _draw(probabilities: FloatArray, luck: FloatArray) -> IntArray:
    """Draw one column for each row by its probabilities."""
    edges = np.cumsum(probabilities, axis=1)
    column = (edges < (luck * edges[:, -1])[:, None]).sum(axis=1)
    return np.asarray(column, dtype=np.int64)
