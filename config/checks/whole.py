"""Runs all checks of a bank's files; each needs only the files it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.checks.analytics import analytics_problems
from config.checks.delivery import delivery_problems
from config.checks.identity import identity_problems
from config.checks.journey import journey_problems
from config.checks.models import models_problems
from config.checks.network import network_problems
from config.checks.offers import offer_problems
from config.checks.retention import retention_problems
from config.checks.schedule import schedule_problems
from config.checks.simulation import simulation_problems, source_folder_problems, world_problems
from config.files import BankFiles
from decisioning.policies.compile import compile_policy
from decisioning.policies.limits import limit_features
from decisioning.policies.refusing import refusing_values
from domain.problem import Problem
from events.checks import check_sources, check_vocabulary
from features.catalogue import FeatureCatalogue, build_catalogue
from features.definitions import AggregateFeature


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
            problems += models_problems(files.models, files.vocabulary, catalogue)
    return catalogue, refusing, problems


def _check_alone(files: BankFiles) -> Iterator[Problem]:
    """Run the checks that need only one file."""
    if files.identity is not None:
        yield from identity_problems(files.identity)
    if files.schedule is not None:
        yield from schedule_problems(files.schedule)
    if files.retention is not None:
        yield from retention_problems(files.retention)
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
