"""The flow of a batch run: from the states of midnight to ranked offers, bucket by bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path

from prefect import flow

from decisioning.policies.draws import hashes_of
from decisioning.reporting.forensics import Forensics
from decisioning.reporting.json_counts import from_plain
from decisioning.reporting.summary import Funnel, Summary
from features.bucket.work import part_name
from features.engines.engine import Report
from pipelines.batch_run import LONGEST_SECONDS, BatchRun, decide_buckets
from pipelines.feature_build import definitions_digest
from pipelines.planning import plan_batch, prices_for
from pipelines.reuse import REUSED
from pipelines.steps import StepResult, code_digest, digest_of, keep_table, retried_task
from records.model_calls import put_calls
from records.open_contacts import open_contacts
from serving.batch.budget_state import write_budget_state
from serving.batch.charges import remaining_before_batch
from serving.batch.part_log import is_logged, log_part
from serving.decider import Decider
from serving.delivery.plans import contacted, night_of
from serving.service.deciding import SEED
from serving.service.engine import outbound_channels
from serving.stale_feeds import all_pauses
from wiring.components import Components, components_of, reload_components
from wiring.delivery import end_unheard_contacts
from wiring.erasure import erased_kept_out
from wiring.progress import progress_of
from wiring.turns import own_turn


@flow(name="decide-for-everybody", timeout_seconds=LONGEST_SECONDS)
def decide_for_everybody(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Rank offers for every customer and channel with the champions, and summarise them by stage and rule."""
    components = reload_components(bank_folder)
    with own_turn(components, "decide for everybody"), erased_kept_out(components):
        return _decided(components, bank_folder, components.midnight(components.moment(as_of)))


def _decided(components: Components, bank_folder: str, until: datetime) -> StepResult:
    # a contact that was never made must not count against this night's
    end_unheard_contacts(components, until)
    champions = components.champion_files()
    # read before anything is decided: if they cannot be read, nothing is
    pauses = all_pauses(components.database, components.log, components.bank, until)
    policy = Decider(replace(components.bank, pauses=pauses), None, None).policy
    common = {"bank": components.bank.digest, "policy": policy.digest}
    versions = [{**common, **one} for one in champions.all_versions]
    code = code_digest("decisioning", "serving", "models")
    outbound = outbound_channels(components.bank.policy)
    contacts = open_contacts(components.database, components.bank.vocabulary.contacts, outbound, until)
    seen = contacts["event_id"].to_pylist()
    run = digest_of(components.log.digest(), until, versions, definitions_digest(components), code, seen)
    # customers whom an earlier plan of this night has reached are not contacted again
    reached = contacted(components.database, night_of(until, components.policy.time_zone))
    run = digest_of(run, sorted(reached.decisions)) if reached.decisions else run
    remaining = remaining_before_batch(components.database, components.policy, until)
    wished = components.places.contact_options / f"{until:%Y-%m-%d}-{run}"
    night = BatchRun(run=run, as_of=until, champions=champions, folder=wished, remaining=remaining, contacts=contacts)
    night = replace(night, pauses=pauses)
    night = replace(night, contacted=hashes_of(sorted(reached.customers)))
    prices = prices_for(components, night)
    run = digest_of(run, prices, night.remaining) if prices else run
    folder = components.places.decisions / f"{until:%Y-%m-%d}-{run}"
    night = replace(night, run=run, folder=folder, prices=prices)
    if prices:
        write_budget_state(folder, prices, night.remaining)
    reports = decide_buckets(bank_folder, night)
    decided = [report for report in reports if report["customers"]]
    log_decisions(bank_folder, str(night.folder), [part_name(report["bucket"]) for report in decided], versions)
    put_calls(components.database, until.date(), night.run, _calls(decided))
    plan = plan_batch(components, night, [report["bucket"] for report in decided])
    stages = reduce(add, [from_plain(Summary, report["summary"]) for report in decided]).to_arrow().to_pylist()
    rules = reduce(add, [from_plain(Funnel, report["funnel"]) for report in decided]).to_arrow().to_pylist()
    forensics = reduce(add, [from_plain(Forensics, report["forensics"]) for report in decided])
    keep_table("decisions", f"Decisions of {components.name} as of {until}, per stage", stages)
    keep_table("funnel", f"What the rules of {components.name} cost", rules)
    totals = {
        name: sum(report[name] for report in decided) for name in ("customers", "decisions", "offers", "recomputed")
    }
    return {
        **totals,
        "buckets": len(reports),
        REUSED: sum(report[REUSED] for report in reports),
        "stages": stages,
        "rules": rules,
        "plan": plan,
        **{name: table.to_pylist() for name, table in forensics.to_arrow().items()},
        "models": champions.versions,
        "folder": str(folder),
        "as_of": until.isoformat(),
    }


def _calls(decided: Sequence[Report]) -> dict[str, dict[str, int]]:
    """Add up what models beside the champions were called for, by version."""
    found: dict[str, dict[str, int]] = {}
    for report in decided:
        for version, counts in report["calls"].items():
            before = found.get(version, {})
            found[version] = {name: count + before.get(name, 0) for name, count in counts.items()}
    return found


@retried_task("keep-decisions-in-the-log", timeout_seconds=LONGEST_SECONDS)
def log_decisions(
    bank_folder: str, folder: str, parts: Sequence[str], versions: Sequence[Mapping[str, str]]
) -> dict[str, int]:
    """Write to the decision log the decisions of every part that it does not have; return the number of new ones."""
    log, new = components_of(bank_folder).decision_log, {}
    with progress_of("keep decisions in the log") as progress:
        for number, part in enumerate(parts, start=1):
            if not is_logged(log, Path(folder), part):
                new[part] = log_part(log, Path(folder), part, seed=SEED, versions=versions)
            progress(number, len(parts))
    return new
