"""A random log of the demo bank with every type of event, for properties that hold whatever happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from domain.event import Event
from events.vocabulary import ATTRIBUTES_TYPE, Property, Vocabulary

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 220


def random_log(vocabulary: Vocabulary, customers: int, events: int, seed: int) -> list[Event]:
    rng = np.random.default_rng(seed)
    types = [*vocabulary.types, *[ATTRIBUTES_TYPE] * 6]

    def one_of(values: Any) -> Any:
        return values[rng.integers(len(values))]

    log = []
    for number in range(events):
        kind = one_of(types)
        declared = vocabulary.attributes if kind == ATTRIBUTES_TYPE else vocabulary.types[kind].properties
        occurred = START + timedelta(minutes=int(rng.integers(DAYS * 24 * 2)) * 30)
        late = timedelta(hours=int(rng.integers(40))) if rng.random() < 0.4 else timedelta(0)
        log.append(
            Event(
                event_id=f"s{seed}e{number}",
                customer_id=f"c{rng.integers(customers)}",
                type=kind,
                occurred_at=occurred,
                available_at=occurred + late,
                channel=one_of([*vocabulary.channels, None]),
                product=one_of([*vocabulary.products, None]),
                amount=one_of([None, float(rng.integers(-500, 5000)) / 100]),
                properties={name: _value(prop, rng) for name, prop in declared.items() if rng.random() < 0.7},
            )
        )
    return log


def _value(declared: Property, rng: np.random.Generator) -> str:
    match declared.type:
        case "number":
            return str(rng.integers(1940, 2010))
        case "boolean":
            return str(rng.choice(["true", "false"]))
        case "category":
            return str(rng.choice(list(declared.values)))
        case "text":
            return str(rng.choice(["savings_plus", "mortgage_talk"]))
