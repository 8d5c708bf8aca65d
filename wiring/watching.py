"""Watching of one bank: takes the readings, and knows the ways on which alarms go."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime, timedelta

import orjson

from config.delivery import WebhookTarget
from config.stores import SettingError
from config.watching import AlarmWebhook
from domain.addresses import Inside
from domain.errors import NboError
from domain.health import Light, Reading
from serving.delivery.unsent import confirmations
from serving.delivery.webhook import Webhook
from serving.promises import promises_of
from serving.service.engine import outbound_channels
from serving.watching.alarms import Tell, keep_readings, words_of
from serving.watching.data import drifts, freshness, whole_days
from serving.watching.mail import mail_alarms
from serving.watching.offers import acceptance, impressions, promised, without_offer
from serving.watching.partners import confirmed
from wiring.components import Components

_LOG = logging.getLogger("nbo.models")

PROMISES_DAYS = 180
"""Impressions of so many days say whether acceptances and values are what was promised."""


def readings_of(components: Components, now: datetime) -> list[Reading]:
    """Take all readings of a bank; without a log there is only one, that says so."""
    bank, log, limits = components.bank, components.log, components.bank.watching.limits
    if log.last_available_at() is None:
        said = "there are no events yet"
        return [Reading(check="stale_hours", subject="event log", light=Light.UNKNOWN, value=None, sentence=said)]
    figures, decisions = components.places.figures, components.places.decisions
    outbound = outbound_channels(bank.policy)
    found = [
        *freshness(log, figures, limits, now, components.sources_end),
        *whole_days(log, components.calendar, limits, now),
        *drifts(figures, decisions, limits),
        *impressions(figures, bank.offers, limits, now.astimezone(bank.time_zone).date()),
        *acceptance(figures, limits),
        *without_offer(figures, decisions, components.policy.channels, outbound, limits),
    ]
    if components.has_database():
        since = now - timedelta(days=PROMISES_DAYS)
        promises = promises_of(log, components.decision_log, bank, now, since=since)
        exported = confirmations(components.database, bank.delivery, sorted(outbound), now)
        found += [*promised(promises, limits), *confirmed(exported, limits)]
    return found


def watch(components: Components, now: datetime) -> tuple[list[Reading], list[Reading]]:
    """Take all readings, roll back a model that failed, store the readings, and tell of those that turned red.

    Returns:
        All readings, and those that were told.

    Raises:
        SettingError: An environment variable that `watching.yaml` names is not set.
    """
    found = [*readings_of(components, now), *_of_rollout(components, now)]
    ways = ways_of(components, os.environ)
    return found, keep_readings(components.places.figures, found, components.bank.watching, ways, now)


def _of_rollout(components: Components, now: datetime) -> list[Reading]:
    """Check the rollout; a registry that does not answer keeps nobody from hearing of the rest."""
    from wiring.rollout import ITSELF, RolloutControl  # noqa: PLC0415 - imports MLflow, which looking at health does without

    try:
        return RolloutControl(components, ITSELF).check(now)
    except Exception as error:  # noqa: BLE001  MLflow's client raises anything when the registry is down
        _LOG.exception("the rollout could not be looked at")
        why = str(error) if isinstance(error, NboError) else type(error).__name__
        said = f"the rollout could not be looked at: {why}"
        return [Reading(check="rollout", subject="registry", light=Light.UNKNOWN, value=None, sentence=said)]


def ways_of(components: Components, environ: Mapping[str, str]) -> dict[str, Tell]:
    """Return the ways on which the bank's alarms go, besides the log.

    Raises:
        SettingError: An environment variable that `watching.yaml` names is not set.
    """
    watching, ways = components.bank.watching, dict[str, Tell]()
    if watching.webhook is not None:
        ways["webhook"] = _webhook(components, watching.webhook, environ)
    if watching.mail is not None:
        ways["mail"] = mail_alarms(
            watching.mail,
            _setting(environ, watching.mail.server),
            components.name,
            Inside(components.bank.network.inside),
        )
    return ways


def _webhook(components: Components, settings: AlarmWebhook, environ: Mapping[str, str]) -> Tell:
    webhook = Webhook(
        WebhookTarget(url=settings.url, secret=settings.secret, timeout_seconds=settings.timeout_seconds),
        _setting(environ, settings.url),
        _setting(environ, settings.secret),
        components.name,
        Inside(components.bank.network.inside),
    )
    return lambda due: webhook.post(
        orjson.dumps(words_of(components.name, due)), "".join(sorted(f"{one.key} {one.sentence}" for one in due))
    )


def _setting(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise SettingError(f"{name} is not set", expected="what watching.yaml names it for")
    return environ[name]
