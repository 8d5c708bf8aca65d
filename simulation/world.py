"""The simulated world: the bank and its customers, run day by day."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from domain.offer import Offer
from simulation.agenda import Agenda, Duties
from simulation.answers import Answers
from simulation.attachment import Attachment
from simulation.attributes import Attributes
from simulation.behaviour import Behaviour
from simulation.care import Care
from simulation.catalogue import OfferArrays
from simulation.clock import SimulatedClock
from simulation.contacts import Contacts
from simulation.experience import Experience
from simulation.journal import Recorder, SimulatedJournal
from simulation.market import PRODUCT_NAMES
from simulation.marketing import Marketing
from simulation.needs import LifeEvents, Needs
from simulation.population import draw_population
from simulation.products import Products
from simulation.response import Response
from simulation.settings import Simulation
from simulation.state import CustomerState

DAYS_A_MONTH = 30
MEMORY = 0.97
"""Daily factor on the fading counts of product views and of refused payments."""


class World:
    """All processes of the simulated bank, over one state.

    Attributes:
        monthly: The latent truth about every present customer, at the beginning of each 30 days.
        lives: Life events, as they happened.
    """

    def __init__(self, settings: Simulation, offers: tuple[Offer, ...], zone: ZoneInfo) -> None:
        seed = settings.seed
        self.offers = offers
        self.clock = SimulatedClock.of(settings.start, settings.months * DAYS_A_MONTH, zone)
        self.population = draw_population(settings.customers, self.clock.days, seed)
        self.attributes = Attributes(self.population, settings.start.year, seed)
        self.needs = Needs(self.population, seed)
        self.state = CustomerState.before(self.population)
        self.journal = SimulatedJournal(self.clock)
        agenda = self.agenda = Agenda(self.clock)
        self._behaviour = Behaviour(self.population, self.clock, self.journal, seed)
        self._experience = Experience(self.population, self.clock, self.journal, agenda, seed)
        self._attachment = Attachment(self.population, self.clock, self.journal, agenda, seed)
        self._products = Products(self.population, self.clock, self.journal, agenda, seed)
        self._duties = Duties(self.population, self.attributes, seed)
        self._care = Care(self.population, self.clock, agenda, self._duties, seed)
        catalogue = OfferArrays(offers)
        self.contacts = Contacts(
            catalogue=catalogue,
            response=Response(catalogue, self.population, self.attributes),
            marketing=Marketing(catalogue, self.population, self.attributes, settings.start),
            attributes=self.attributes,
            attachment=self._attachment,
            answers=Answers(catalogue, self.clock, agenda, seed),
            clock=self.clock,
            seed=seed,
        )
        hazards = ("satisfaction", "activity_share", "leaving_hazard_per_day", "return_hazard_per_day")
        self.monthly = Recorder(
            {"customer": "i4", "day": "i4", "leaving": "?", "quiet": "?"}
            | dict.fromkeys(hazards, "f4")
            | dict.fromkeys((f"need_{product}" for product in PRODUCT_NAMES), "f4")
        )
        self.lives = Recorder({"customer": "i4", "day": "i4", "life_event": "i1"})

    def run(self, day: int) -> None:
        """Run one day, with causes before effects."""
        state, needs = self.state, self.needs
        if day % 7 == 0:
            life = needs.week(day)
            self._note_lives(day, life)
            self.attributes.week(state.fatigue, life)
            self._duties.week(day, state)
        self.attributes.deliver(day, state.here)
        if day % DAYS_A_MONTH == 0:
            self._note_truth(day)
        self._attachment.day(day, state)
        payers = self._behaviour.transactions(day, state)
        self._behaviour.salaries(day, state, (self.clock.start + timedelta(days=day)).day)
        logins = self._behaviour.logins(day, state)
        views = self._behaviour.views(day, state, needs, logins)
        self._experience.day(day, state, payers, logins, self.attributes.hardship)
        self._products.demand(state, needs, views)
        self.contacts.day(day, state, needs, logins)
        self._care.day(day, state, needs)
        self._products.day(day, state, needs)
        self._attachment.returns(day, state)
        state.recent_views *= MEMORY
        state.recent_refusals *= MEMORY
        joined = self._products.arrive(day, state, needs)
        self.attributes.record(joined, day)

    def _note_lives(self, day: int, life: LifeEvents) -> None:
        for code, happened in enumerate((life.moved, life.child_born, life.job_changed, life.retired)):
            customers = np.flatnonzero(happened & self.state.here)
            self.lives.add(customer=customers, day=day, life_event=code)

    def _note_truth(self, day: int) -> None:
        state = self.state
        here = np.flatnonzero(state.here)
        level = {f"need_{product}": self.needs.level[here, code] for code, product in enumerate(PRODUCT_NAMES)}
        self.monthly.add(
            customer=here,
            day=day,
            leaving=state.leaving[here],
            quiet=state.quiet[here],
            satisfaction=state.satisfaction[here],
            activity_share=state.fade[here],
            leaving_hazard_per_day=self._attachment.leaving_hazard(day, state)[here],
            return_hazard_per_day=self._attachment.return_hazard(day, state)[here],
            **level,
        )
