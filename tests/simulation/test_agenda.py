"""Every appointment is kept, on its day."""

from __future__ import annotations

from datetime import date

import numpy as np

from simulation.agenda import Agenda
from simulation.clock import SimulatedClock
from simulation.settings import Simulation
from simulation.world import World
from tests.simulation.demo_bank import ZONE, DemoBank


def test_an_appointment_is_taken_on_its_day_and_only_once() -> None:
    clock = SimulatedClock.of(date(2025, 1, 1), 3, ZONE)
    agenda = Agenda(clock)
    agenda.put("open", np.array([4, 5]), clock.midnights[[2, 1]], first=np.array([7, 8]))
    assert [len(column) for column in agenda.take("open", 0)] == [0] * 5
    assert [column.tolist() for column in agenda.take("open", 1)] == [[5], [clock.midnights[1]], [8], [0], [0]]
    assert len(agenda.take("open", 1)[0]) == 0
    assert len(agenda) == 1


def test_what_falls_after_the_end_is_dropped() -> None:
    clock = SimulatedClock.of(date(2025, 1, 1), 3, ZONE)
    agenda = Agenda(clock)
    agenda.put("open", np.array([4]), np.array([clock.end]))
    assert len(agenda) == 0


def test_a_simulated_bank_misses_no_appointment(demo: DemoBank) -> None:
    world = World(Simulation(customers=400, months=4), demo.offers, ZONE)
    for day in range(world.clock.days):
        world.run(day)
    assert len(world.agenda) == 0
