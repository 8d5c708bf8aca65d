"""How a bank runs nbo: `schedule.yaml` (flows), `retention.yaml` (decisions), `network.yaml` (permitted addresses)."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Spec):
    """Cron lines, in the bank's time zone; None for a flow that runs only on request.

    When the clocks change, a daily line still runs once: if its hour is missing in spring, in the adjacent hour; if it
    occurs twice in autumn, the first time. A line that runs every few minutes pauses while the hour repeats.

    Attributes:
        features: Import new data and build features.
        train: Train and evaluate models, and apply the gate.
        decide: Decide for all customers, and report.
        deliver: Deliver the planned contacts that are due; for example every few minutes.
        watch: Take the readings of `watching.yaml` and raise alarms; also after each decided night.
        archive: Move old decisions to the archive, as `retention.yaml` says.
    """

    features: str | None = None
    train: str | None = None
    decide: str | None = None
    deliver: str | None = None
    watch: str | None = None
    archive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Spec):
    """The content of `retention.yaml`.

    Attributes:
        decisions_days: Decisions older than this move from the database to the archive, where they can still be found
            and replayed; none for never. Outcomes that cite a decision are accepted while it is in the database.
        explanations_days: After so many days the record of a decision (features, verdicts and numbers of every
            candidate) is deleted; none for never. The decision stays, but can no longer be explained or replayed.
    """

    decisions_days: int | None = None
    explanations_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Spec):
    """The content of `network.yaml`.

    Attributes:
        inside: Hosts, addresses and networks inside the bank where webhooks and trace collectors may be, such as
            `crm.bank.example`, `127.0.0.1` or `10.20.0.0/16`. Public addresses need no entry, all others do, so that
            nothing is sent to an address that leads inward by mistake or by attack. A host name permits its private
            addresses, but never this machine or link-local ones.
    """

    inside: tuple[str, ...] = ()
