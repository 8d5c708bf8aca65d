"""A bank's configuration: all files of its folder, validated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from config.delivery import Delivery
from config.operations import Network, Retention, Schedule
from config.personas import Persona
from config.watching import Watching
from decisioning.budgets.budget import Budget
from decisioning.policies.policy import Policy
from domain.errors import DataError, nearest
from domain.offer import Offer
from domain.pause import Pause
from domain.spec import Spec
from events.mapping import Source
from events.vocabulary import Vocabulary
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions
from features.journey.settings import Journey
from journeys.settings import Analytics
from models.settings import Models
from simulation.settings import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class BankIdentity(Spec):
    """The content of `bank.yaml`.

    Attributes:
        name: Name of the bank in the output of commands, in folders of state and in names of models.
        description: One sentence about the bank.
        time_zone: IANA name of the time zone of days, windows and schedules.
        currency: ISO 4217 code of the currency of every amount (`EUR`).
        source_folder: Folder of the sources' files, below `NBO_DATA`, or below the bank's own folder if it begins with
            `./`; None if they are simulated.
        complete_until: Last day of which the sources know everything, so that silence up to its end counts; None if
            the log ends with its last event.
    """

    name: str
    description: str
    time_zone: str
    currency: str
    source_folder: str | None = None
    complete_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank's complete configuration.

    Attributes:
        features: Expanded and checked features: the common declarations that apply, the bank's own, and those that
            stages, steps, attributes and contact limits need.
        delivery: How planned contacts reach channels.
        retention: How long decisions are kept.
        network: Addresses inside the bank to which nbo may send.
        analytics: What the journey figures count.
        pauses: Pauses in force, which come from the database rather than from the folder.
        watching: Limits of what is watched, and who is told.
        personas: Made-up customers that proposals are tried on.
        digest: Digest of all files that decisions depend on, including the common features.
    """

    identity: BankIdentity
    folder: Path
    vocabulary: Vocabulary
    sources: tuple[Source, ...]
    features: FeatureCatalogue
    journey: Journey
    offers: tuple[Offer, ...]
    policy: Policy
    budgets: tuple[Budget, ...]
    models: Models
    schedule: Schedule
    simulation: Simulation | None
    delivery: Delivery = field(default_factory=Delivery)
    retention: Retention = field(default_factory=Retention)
    network: Network = field(default_factory=Network)
    analytics: Analytics = field(default_factory=Analytics)
    pauses: tuple[Pause, ...] = ()
    personas: tuple[Persona, ...] = ()
    watching: Watching = field(default_factory=Watching)
    digest: str

    @property
    def time_zone(self) -> ZoneInfo:
        """The bank's time zone."""
        return ZoneInfo(self.identity.time_zone)

    @property
    def feature_definitions(self) -> FeatureDefinitions:
        """Everything besides events that the bank's features depend on."""
        return FeatureDefinitions(self.features, self.journey, Calendar(self.time_zone))

    def offer(self, name: str) -> Offer:
        """Return an offer by name.

        Raises:
            DataError: There is no such offer.
        """
        for offer in self.offers:
            if offer.name == name:
                return offer
        expected = nearest(name, (offer.name for offer in self.offers))
        raise DataError("no such offer", got=f"'{name}'", expected=expected)
