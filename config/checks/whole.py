"""Runs all checks of a bank's files, those of `bank.yaml` among them; each needs only the files it looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import PurePath
from typing import Final
from zoneinfo import available_timezones

from config.bank import BankIdentity
from config.checks.analytics import analytics_problems
from config.checks.delivery import delivery_problems
from config.checks.journey import journey_problems
from config.checks.models import models_problems
from config.checks.offers import offer_problems
from config.checks.operations import network_problems, retention_problems, schedule_problems
from config.checks.simulation import simulation_problems, source_folder_problems, world_problems
from config.checks.watching import watching_problems
from config.files import BankFiles
from decisioning.policies.compile import compile_policy
from decisioning.policies.limits import limit_features
from decisioning.policies.refusing import refusing_values
from domain.errors import Problem, nearest
from domain.time_zones import time_zone
from events.checks import check_sources, check_vocabulary
from features.catalogue import FeatureCatalogue, build_catalogue
from features.definitions import AggregateFeature

FILE: Final = "bank.yaml"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""The bank's name becomes a folder, a Feast project and part of model names."""


def identity_problems(identity: BankIdentity) -> Iterator[Problem]:
    """Find an invalid name, time zone, currency or folder."""
    if not NAME.fullmatch(identity.name):
        expected = "at most 40 lower-case letters, digits and _, a letter first"
        yield _problem("name", "not a name for a bank", identity.name, expected)
    if time_zone(identity.time_zone) is None:
        expected = nearest(identity.time_zone, available_timezones())
        yield _problem("time_zone", "unknown time zone", identity.time_zone, expected)
    if not re.fullmatch(r"[A-Z]{3}", identity.currency):
        yield _problem("currency", "not a currency", identity.currency, "three capitals such as EUR")
    if identity.source_folder is not None:
        folder = PurePath(identity.source_folder)
        if folder.is_absolute() or ".." in folder.parts or "\0" in identity.source_folder:
            expected = "a folder below NBO_DATA, without .."
            yield _problem("source_folder", "not a folder below the data", identity.source_folder, expected)

    if identity.complete_until is not None and identity.complete_until > date.today():  # noqa: DTZ011 - a day is enough
        got = identity.complete_until.isoformat()
        yield _problem("complete_until", "nobody can know what happens after today", got, "a day in the past")


def _problem(key: str, what: str, got: str, expected: str) -> Problem:
    return Problem(file=FILE, path=(key,), what=what, got=f"'{got}'", expected=expected)


def check_whole(files: BankFiles) -> tuple[FeatureCatalogue | None, Mapping[str, str], list[Problem]]:
    """Check a bank's files one by one and against each other.

    Returns:
        The features, if the files they come from could be read; by attribute, the value that refuses, according to the
        consent conditions; and all problems.
    """
    refusing: Mapping[str, str] = {}
    problems = list(_check_alone(files))
    if files.vocabulary is not None:
        problems += check_vocabulary(files.vocabulary)
        if files.sources is not None:
            problems += check_sources(files.sources, files.vocabulary)
    if files.vocabulary is not None and files.analytics is not None:
        problems += analytics_problems(files.analytics, files.vocabulary)
    if files.delivery is not None and files.policy is not None:
        problems += delivery_problems(files.delivery, files.policy)
    if files.simulation is not None and files.identity is not None:
        problems += source_folder_problems(files.identity)
    if files.vocabulary is not None and files.journey is not None and files.offers is not None:
        problems += offer_problems(files.offers, files.vocabulary, files.journey)
        if files.simulation is not None and not problems:
            problems += world_problems(files.offers, files.vocabulary)
    catalogue = _check_features(files, problems)
    if catalogue is not None and files.vocabulary is not None:
        if files.offers is not None and files.policy is not None and files.budgets is not None:
            policy, found = compile_policy(files.policy, files.offers, files.vocabulary, catalogue, files.budgets)
            refusing = refusing_values(policy, files.vocabulary)
            problems += found
        if files.models is not None:
            problems += models_problems(files.models, files.vocabulary, catalogue, files.offers or ())
    return catalogue, refusing, problems


def _check_alone(files: BankFiles) -> Iterator[Problem]:
    """Run the checks that need only one file."""
    if files.identity is not None:
        yield from identity_problems(files.identity)
    if files.schedule is not None:
        yield from schedule_problems(files.schedule)
    if files.retention is not None:
        yield from retention_problems(files.retention)
    if files.watching is not None:
        yield from watching_problems(files.watching)
    if files.network is not None:
        yield from network_problems(files.network)
    if files.simulation is not None:
        yield from simulation_problems(files.simulation)
    if files.journey is not None:
        yield from journey_problems(files.journey)


def _check_features(files: BankFiles, problems: list[Problem]) -> FeatureCatalogue | None:
    if files.common is None or files.features is None or files.vocabulary is None or files.journey is None:
        return None
    limits: tuple[AggregateFeature, ...] = ()
    if files.policy is not None and files.offers is not None:
        limits = limit_features(files.policy, files.offers, files.vocabulary)
    currency = files.identity.currency if files.identity is not None else ""
    catalogue, found = build_catalogue(
        files.common, files.features, files.vocabulary, files.journey, limits, currency=currency
    )
    problems += found
    return catalogue
