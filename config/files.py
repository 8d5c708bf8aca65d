"""The files of a bank's folder, and the specification of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from config.bank import BankIdentity
from config.delivery import Delivery
from config.operations import Network, Retention, Schedule
from config.personas import Persona
from config.watching import Watching
from decisioning.budgets.budget import Budget
from decisioning.policies.policy import Policy
from domain.offer import Offer
from events.mapping import Source
from events.vocabulary import Vocabulary
from features.definitions import FeatureFile
from features.journey.settings import Journey
from journeys.settings import Analytics
from models.settings import Models
from simulation.settings import Simulation

COMMON_FEATURES: Final = Path(__file__).resolve().parent.parent / "features" / "common.yaml"
"""Basis of every bank's features; part of the program, not of a bank's folder."""


@dataclass(slots=True, kw_only=True)
class BankFiles:
    """Content of the files; None for one that is missing or invalid.

    A missing optional file counts as empty; without `simulation.yaml` nothing is simulated.
    """

    identity: BankIdentity | None = None
    vocabulary: Vocabulary | None = None
    sources: tuple[Source, ...] | None = None
    common: FeatureFile | None = None
    features: FeatureFile | None = field(default_factory=FeatureFile)
    journey: Journey | None = None
    offers: tuple[Offer, ...] | None = None
    policy: Policy | None = None
    budgets: tuple[Budget, ...] | None = ()
    models: Models | None = None
    schedule: Schedule | None = field(default_factory=Schedule)
    delivery: Delivery | None = field(default_factory=Delivery)
    retention: Retention | None = field(default_factory=Retention)
    network: Network | None = field(default_factory=Network)
    analytics: Analytics | None = field(default_factory=Analytics)
    personas: tuple[Persona, ...] | None = ()
    watching: Watching | None = field(default_factory=Watching)
    simulation: Simulation | None = None


@dataclass(frozen=True, slots=True)
class FileKind:
    """A required or optional file of a bank's folder.

    Attributes:
        part: Attribute of `BankFiles` that holds its content.
        shape: Specification of its content.
        is_read_by_others: Whether other files are checked against it, which requires that it is valid.
        is_decided_by: Whether decisions depend on it, so that it is part of their versions.
    """

    part: str
    shape: Any
    required: bool = True
    is_read_by_others: bool = True
    is_decided_by: bool = True


FILE_KINDS: Final = {
    "bank.yaml": FileKind("identity", BankIdentity),
    "events.yaml": FileKind("vocabulary", Vocabulary),
    "sources.yaml": FileKind("sources", tuple[Source, ...], is_read_by_others=False),
    COMMON_FEATURES.name: FileKind("common", FeatureFile),
    "features.yaml": FileKind("features", FeatureFile, required=False),
    "journey.yaml": FileKind("journey", Journey),
    "offers.yaml": FileKind("offers", tuple[Offer, ...]),
    "policies.yaml": FileKind("policy", Policy, is_read_by_others=False),
    "budgets.yaml": FileKind("budgets", tuple[Budget, ...], required=False, is_read_by_others=False),
    "models.yaml": FileKind("models", Models, is_read_by_others=False),
    "schedule.yaml": FileKind("schedule", Schedule, required=False, is_read_by_others=False),
    "delivery.yaml": FileKind("delivery", Delivery, required=False, is_read_by_others=False, is_decided_by=False),
    "retention.yaml": FileKind("retention", Retention, required=False, is_read_by_others=False, is_decided_by=False),
    "network.yaml": FileKind("network", Network, required=False, is_read_by_others=False, is_decided_by=False),
    "analytics.yaml": FileKind("analytics", Analytics, required=False, is_read_by_others=False, is_decided_by=False),
    "personas.yaml": FileKind(
        "personas", tuple[Persona, ...], required=False, is_read_by_others=False, is_decided_by=False
    ),
    "watching.yaml": FileKind("watching", Watching, required=False, is_read_by_others=False, is_decided_by=False),
    "simulation.yaml": FileKind("simulation", Simulation, required=False),
}
"""By file name, in the order in which people write them."""
