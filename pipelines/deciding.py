"""Decide for everybody: states of midnight to ranked offers, bucket by bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path

from prefect import flow

from decisioning.policies.draws import hashes_of
from decisioning.sums.forensics import Forensics
from decisioning.sums.funnel import Funnel
from decisioning.sums.summary import Summary
from features.engines.engine import Report
from pipelines.artefacts import keep_table
from pipelines.bucket_work import part_name
from pipelines.feature_build import definitions_digest
from pipelines.night import LONGEST_SECONDS, Night, decide_buckets
from pipelines.plain import from_plain
from pipelines.planning import plan_tonight, prices_for
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from serving.circumstances import keep_circumstances
from serving.delivery.plans import contacted, night_of
from serving.journal.unlogged import unlogged_contacts
from serving.live.engine import outbound_channels
from serving.night_charges import left_before_night
from serving.part_log import is_logged, log_part
from wiring.erasing import erased_kept_out
from wiring.parts import SEED, Parts, parts_anew, parts_of
from wiring.progress import progress_of
from wiring.turns import own_turn


@flow(name="decide-for-everybody", timeout_seconds=LONGEST_SECONDS)
def decide_for_everybody(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Rank offers for every customer and channel with the champions, and sum up per stage and rule."""
    parts = parts_anew(bank_folder)
    with own_turn(parts, "decide for everybody"), erased_kept_out(parts):
        return _decided(parts, bank_folder, parts.midnight(parts.moment(as_of)))


def _decided(parts: Parts, bank_folder: str, until: datetime) -> StepResult:
    champions = parts.champion_files()
    versions = {"bank": parts.bank.digest, "policy": parts.policy.digest, **champions.versions}
    code = code_digest("decisioning", "serving", "models")
    outbound = outbound_channels(parts.bank.policy)
    contacts = unlogged_contacts(parts.database, parts.bank.vocabulary.contacts, outbound, until)
    seen = contacts["event_id"].to_pylist()
    run = digest_of(parts.log.digest(), until, versions, definitions_digest(parts), code, seen)
    # whom an earlier plan of this night has reached is not contacted again
    reached = contacted(parts.database, night_of(until, parts.policy.time_zone))
    run = digest_of(run, sorted(reached.decisions)) if reached.decisions else run
    remaining = left_before_night(parts.database, parts.policy, until)
    wished = parts.places.wishes / f"{until:%Y-%m-%d}-{run}"
    night = Night(run=run, as_of=until, champions=champions, folder=wished, remaining=remaining, contacts=contacts)
    night = replace(night, contacted=hashes_of(sorted(reached.customers)))
    prices = prices_for(parts, night)
    run = digest_of(run, prices, night.remaining) if prices else run
    folder = parts.places.decisions / f"{until:%Y-%m-%d}-{run}"
    night = replace(night, run=run, folder=folder, prices=prices)
    if prices:
        keep_circumstances(folder, prices, night.remaining)
    reports = decide_buckets(bank_folder, night)
    decided = [report for report in reports if report["customers"]]
    _keep_in_log(parts, night, decided, versions)
    plan = plan_tonight(parts, night, [report["bucket"] for report in decided])
    stages = reduce(add, [from_plain(Summary, report["summary"]) for report in decided]).to_arrow().to_pylist()
    rules = reduce(add, [from_plain(Funnel, report["funnel"]) for report in decided]).to_arrow().to_pylist()
    forensics = reduce(add, [from_plain(Forensics, report["forensics"]) for report in decided])
    keep_table("decisions", f"Decisions of {parts.name} as of {until}, per stage", stages)
    keep_table("funnel", f"What the rules of {parts.name} cost", rules)
    totals = {
        name: sum(report[name] for report in decided) for name in ("customers", "decisions", "offers", "recomputed")
    }
    return {
        **totals,
        "stages": stages,
        "rules": rules,
        "plan": plan,
        **{name: table.to_pylist() for name, table in forensics.to_arrow().items()},
        "models": champions.versions,
        "folder": str(folder),
        "as_of": until.isoformat(),
    }


def _keep_in_log(parts: Parts, night: Night, decided: Sequence[Report], versions: Mapping[str, str]) -> None:
    with progress_of("keep decisions in the log") as progress:
        for number, report in enumerate(decided, start=1):
            do(
                log_decisions,
                key=report["key"],
                present=is_logged(parts.decision_log, night.folder, part_name(report["bucket"])),
                bank_folder=str(parts.folder),
                folder=str(night.folder),
                part=part_name(report["bucket"]),
                versions=versions,
            )
            progress(number, len(decided))


@kept_step("log-decisions-of-bucket", timeout_seconds=3600)
def log_decisions(key: str, bank_folder: str, folder: str, part: str, versions: Mapping[str, str]) -> StepResult:
    """Keep what a bucket's customers are offered where decisions are found by id and by customer."""
    del key
    log = parts_of(bank_folder).decision_log
    return {"new": log_part(log, Path(folder), part, seed=SEED, versions=versions)}
