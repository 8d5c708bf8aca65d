"""Delivery of a bank's planned contacts: connects the outbox with plans, channel targets and current customers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.delivery import WebhookTarget
from config.stores import SettingError
from domain.addresses import Inside
from domain.errors import DataError
from domain.pause import is_protected
from events.fingerprints import bucket_of
from serving.batch.contacts import CONTACTS, PLAN, SCHEMA
from serving.customer_features import CustomerReader
from serving.delivery.delivering import ChannelReport, deliver
from serving.delivery.files import ContactFile
from serving.delivery.outbox import Outbox
from serving.delivery.permission import DeliveryPermission
from serving.delivery.plans import plan_in_force
from serving.delivery.targets import Target
from serving.delivery.unsent import Confirmations, end_unheard
from serving.delivery.webhook import Webhook
from serving.intraday import TodaysEvents
from serving.service.clock import Clock
from serving.service.deciding import SEED
from serving.service.engine import outbound_channels
from serving.stale_feeds import all_pauses
from wiring.addresses import check_addresses
from wiring.components import Components


def outbox_of(components: Components) -> Outbox:
    """Open the outbox of a bank."""
    offers = components.bank.offers
    protected = {offer.name for offer in offers if is_protected(offer)}
    return Outbox(components.database, {offer.name: offer.product for offer in offers}, protected)


def gather_plans(components: Components, outbox: Outbox, now: datetime) -> int:
    """Insert into the outbox the contacts of the plan in force of every recent night.

    Returns:
        The number of new contacts.
    """
    oldest = (
        (now - timedelta(hours=components.bank.delivery.late_hours, days=1))
        .astimezone(components.bank.time_zone)
        .date()
    )
    new = 0
    # per night the latest run, which is in force if no plan was recorded (earlier versions recorded none)
    plans = sorted(components.places.decisions.glob(f"*/{PLAN}"), key=lambda plan: plan.stat().st_mtime_ns)
    latest = {plan.parent.name[: len("2026-01-01")]: plan.parent for plan in plans}
    for night, newest in sorted(latest.items()):
        in_force = plan_in_force(components.database, night)
        run = newest if in_force is None else newest.with_name(in_force)
        if date.fromisoformat(night) < oldest or not (run / PLAN).exists() or outbox.has(run.name):
            continue
        files = sorted((run / CONTACTS).glob("*.parquet"))
        table = pq.read_table(files, schema=SCHEMA) if files else SCHEMA.empty_table()
        midnight = datetime.fromisoformat(night).replace(tzinfo=components.bank.time_zone)
        new += outbox.gather(run.name, midnight, table)
    return new


def targets_of(components: Components, outbox: Outbox, environ: Mapping[str, str]) -> dict[str, Target]:
    """Create the target of every channel in `delivery.yaml`.

    Raises:
        DataError: The bank delivers to no channel.
        SettingError: An environment variable named in the file is not set.
        AddressRefusedError: Nothing may be sent to a webhook's address.
    """
    targets: dict[str, Target] = {}
    check_addresses(components, environ)
    for entry in components.bank.delivery.channels:
        if entry.file is not None:
            folder = components.places.deliveries / entry.file.folder  # an absolute one stays as it is
            targets[entry.channel] = ContactFile(outbox, folder, entry.file.format)
        elif entry.webhook is not None:
            targets[entry.channel] = _webhook(components, entry.webhook, environ)
    if not targets:
        raise DataError(
            f"bank {components.name} delivers to no channel",
            expected="channels with a file or a webhook",
            remedy=f"add them to {Path(components.folder).name}/delivery.yaml",
        )
    return targets


def deliver_due(components: Components, now: datetime) -> tuple[int, list[ChannelReport]]:
    """Insert new plans into the outbox, and deliver what is due.

    Returns:
        The number of contacts new in the outbox, and the result of each channel.
    """
    outbox = outbox_of(components)
    targets = targets_of(components, outbox, os.environ)
    new = gather_plans(components, outbox, now)
    today = TodaysEvents(components.log)
    today.refresh(int(components.midnight(now).timestamp()) * 1_000_000)
    reader = CustomerReader(components.bank, components.log, components.online, components.journal, today)
    pauses = all_pauses(components.database, components.log, components.bank, now)
    permission = DeliveryPermission(components.decider().paused_by(pauses), reader, SEED)
    late = timedelta(hours=components.bank.delivery.late_hours)
    return new, deliver(outbox, targets, permission, Clock(now).now, late)


def end_unheard_contacts(components: Components, now: datetime) -> list[Confirmations]:
    """End contacts of which nothing was heard, neither by the service nor in the bank's files."""
    channels = sorted(outbound_channels(components.bank.policy))
    return end_unheard(
        components.database, components.bank.delivery, channels, lambda due: _in_log(components, due), now
    )


def _in_log(components: Components, due: Mapping[str, str]) -> set[str]:
    """Find the decisions, of customers by decision id, that events of the log cite."""
    if components.log.customer_count == 0:
        return set()
    found: set[str] = set()
    wanted = pa.array(list(due), pa.string())
    customers = pa.array(list(due.values()), pa.string())
    for bucket in sorted(set(bucket_of(customers, components.log.buckets).tolist())):
        cited = components.log.read_bucket(bucket, ["decision_id"])["decision_id"]
        found.update(cited.filter(pc.is_in(cited, value_set=wanted)).cast(pa.string()).to_pylist())
    return found


def _webhook(components: Components, settings: WebhookTarget, environ: Mapping[str, str]) -> Webhook:
    for variable in (settings.url, settings.secret):
        if not environ.get(variable):
            raise SettingError(
                f"{variable} is not set", expected="the address or secret for which delivery.yaml names it"
            )
    inside = Inside(components.bank.network.inside)
    return Webhook(settings, environ[settings.url], environ[settings.secret], components.name, inside)
