"""Commands that judge a policy before it goes live, and the stop button: `evaluate`, `pause`, `resume`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import DataError
from nbo.app import app, components_of_bank, moment_of, moment_option
from nbo.display import console, print_json, show_table
from nbo.outcomes import show_rows

if TYPE_CHECKING:
    from domain.pause import PauseScope
    from serving.service.pauses import PauseService
    from wiring.components import Components

CALLER = "command line"
"""Name of the caller in the audit; the person is named beside it."""

Offer = Annotated[str | None, typer.Option(help="This offer, in every channel.")]
Channel = Annotated[str | None, typer.Option(help="This channel, but for mandatory and service offers.")]
Outbound = Annotated[
    bool, typer.Option("--outbound", help="All outbound channels, but for mandatory and service offers.")
]
By = Annotated[str, typer.Option(help="Your name, for the audit.")]


@app.command()
def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why, for everybody who wonders.")],
    by: By,
    until: Annotated[
        datetime,
        moment_option("When it ends by itself, in the bank's time zone."),
    ],
    offer: Offer = None,
    channel: Channel = None,
    outbound: Outbound = False,
) -> None:
    """Stop an offer, a channel or all outbound channels, in decisions and in what waits to be delivered.

    Examples:
        nbo --bank banks/demo pause --channel email --reason "wrong rate" --by "A. Jansen" --until 2026-12-01

        nbo --bank banks/demo pause --outbound --reason "core system down" --by "A. Jansen" --until 2026-12-01T08:00:00
    """
    parts = components_of_bank(context)
    scope, name = _scope(offer, channel, outbound=outbound)
    ends = moment_of(parts, until)
    assert ends is not None, "a given moment"
    from wiring.bank_time import bank_now
    from wiring.delivery import gather_plans, outbox_of

    gather_plans(parts, outbox_of(parts), bank_now(parts))  # so that planned contacts are counted, too
    result = _service(parts).pause(scope, name, reason=reason, by=by, until=ends, caller=CALLER)
    console.print(
        f"{result.pause.target} is paused: {result.caught:,} waiting contacts caught, {result.left:,} had left",
        markup=False,
        soft_wrap=True,
    )
    show_pauses(parts)


@app.command()
def resume(
    context: typer.Context,
    by: By,
    offer: Offer = None,
    channel: Channel = None,
    outbound: Outbound = False,
) -> None:
    """End a pause; contacts that it held back go out if they are still allowed and not too late.

    Example: nbo --bank banks/demo resume --channel email --by "A. Jansen"
    """
    parts = components_of_bank(context)
    scope, name = _scope(offer, channel, outbound=outbound)
    _service(parts).resume(scope, name, by=by, caller=CALLER)
    console.print(f"{' '.join(filter(None, (scope, name)))} is no longer paused", markup=False)
    show_pauses(parts)


def show_pauses(components: Components) -> None:
    """Show the pauses in force, if there are any; a database that is not there yet has none, and is not created."""
    if not components.has_database():
        return
    zone = components.bank.time_zone
    rows = [
        (one.target, f"{one.until.astimezone(zone):%Y-%m-%d %H:%M}", one.by, one.reason)
        for one in _service(components).in_force()
    ]
    if rows:
        show_table("paused", ("what", "until", "by", "reason"), rows)


def _service(components: Components) -> PauseService:
    from serving.service.pauses import PauseService
    from wiring.bank_time import bank_now

    return PauseService(components.database, lambda: bank_now(components), lambda: components.bank)


def _scope(offer: str | None, channel: str | None, *, outbound: bool) -> tuple[PauseScope, str]:
    from domain.pause import PauseScope

    named = [
        *([(PauseScope.OFFER, offer)] if offer else []),
        *([(PauseScope.CHANNEL, channel)] if channel else []),
        *([(PauseScope.OUTBOUND, "")] if outbound else []),
    ]
    if len(named) != 1:
        expected = "one of --offer NAME, --channel NAME and --outbound"
        raise DataError("a pause is of one thing", got=f"{len(named)} of them", expected=expected)
    return named[0]


@app.command()
def evaluate(
    context: typer.Context,
    subject: Annotated[
        Path,
        typer.Argument(
            metavar="POLICY|MODEL",
            help="Folder of the bank with another policy, a file with a change, proposal:NUMBER, or a version or alias "
            "of the propensity model.",
        ),
    ],
    as_of: Annotated[
        datetime | None, moment_option("Moment in the bank's time zone; just after the latest news by default.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="New folder for the page and its pictures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Estimate from logged decisions and their outcomes what a policy or model would have earned: ship, hold or stop.

    The result is kept; the console's page Evaluation shows it.

    Examples:
        nbo --bank banks/demo evaluate examples/savings_autumn.yaml

        nbo --bank banks/demo evaluate challenger

        nbo --bank banks/demo evaluate proposal:1
    """
    parts = components_of_bank(context)
    from pipelines.evaluation import evaluate_logged
    from pipelines.evaluation_page import evaluation_page, expect_empty, write_evaluation
    from wiring.bank_time import last_moment

    if to is not None:
        expect_empty(to)
    record = evaluate_logged(parts, subject, moment_of(parts, as_of) or last_moment(parts))
    if to is not None:
        write_evaluation(to, record)
    if json:
        print_json(record.to_json())
        return
    console.print(evaluation_page(record), markup=False, highlight=False, soft_wrap=True)


@app.command()
def effects(
    context: typer.Context,
    as_of: Annotated[
        datetime | None, moment_option("Moment in the bank's time zone; just after the latest news by default.")
    ] = None,
    since: Annotated[
        datetime | None, moment_option("Compare from here on, instead of from the first decision on.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compare what holdout and arms realised for each assigned customer, and each offer with what it promised.

    Examples:
        nbo --bank banks/demo effects

        nbo --bank banks/demo effects --since 2026-02-01
    """
    parts = components_of_bank(context)
    from pipelines.effects_page import effect_sentences, group_rows, realised_rows
    from serving.effects import effects_of

    until = moment_of(parts, as_of) or parts.latest()
    found = effects_of(parts.log, parts.decision_log, parts.bank, until, moment_of(parts, since)).to_json()
    if json:
        print_json(found)
        return
    for rows in group_rows(found):
        show_rows("realised value of each assigned customer", rows)
    show_rows("realised over expected value", realised_rows(found))
    for sentence in effect_sentences(found):
        console.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def trials(
    context: typer.Context,
    as_of: Annotated[
        datetime | None, moment_option("Moment in the bank's time zone; just after the latest news by default.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Plan and judge the trials (A/B tests) of policies.yaml: ship, hold or stop, however often you look.

    Example: nbo --bank banks/demo trials
    """
    parts = components_of_bank(context)
    from serving.trial_results import trial_reports
    from wiring.trials import slow_arm

    found = trial_reports(
        parts.log, parts.bank, moment_of(parts, as_of) or parts.latest(), lambda trial: slow_arm(parts, trial)
    )
    if json:
        print_json({"trials": [one.to_json() for one in found]})
        return
    for one in found:
        console.print(f"{one.sentence}", markup=False, highlight=False, soft_wrap=True)
        if one.result is not None:
            show_table(
                one.trial.question,
                ("arm", "customers", "gain of a customer", "expect"),
                [(arm.arm, arm.customers, str(arm.gain), f"{arm.shrunk_gain:+.4g}") for arm in one.result.arms],
            )
        if len(one.offers) > 1:
            rows = [(each.offer, each.arm, str(each.gain)) for each in one.offers]
            show_table("gains by offer: what one wins may be another's", ("offer", "arm", "gain of a customer"), rows)
    if not found:
        console.print("this bank's policies.yaml has no trials", markup=False)


@app.command()
def health(
    context: typer.Context,
    as_of: Annotated[datetime | None, moment_option("Moment in the bank's time zone; now by default.")] = None,
    tell: Annotated[bool, typer.Option("--tell", help="Keep the readings, and tell who is to be told.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the readings as JSON.")] = False,
) -> None:
    """Read what may go wrong (fresh data, drift, calibration, silent channels), with traffic lights.

    Examples:
        nbo --bank banks/demo health

        nbo --bank banks/demo health --tell
    """
    parts = components_of_bank(context)
    from domain.health import Light
    from wiring.bank_time import bank_now
    from wiring.watching import readings_of, watch

    now = moment_of(parts, as_of) or bank_now(parts)
    readings, told = watch(parts, now) if tell else (readings_of(parts, now), [])
    if json:
        print_json({"readings": [asdict(one) for one in readings], "told": [one.key for one in told]})
        return
    rows = [(one.light.value, one.check, one.sentence) for light in Light for one in readings if one.light is light]
    bright = [row for row in rows if row[0] != Light.GREEN.value]
    show_table(f"health of {parts.name}", ("light", "check", "what"), sorted(bright, key=lambda row: row[0] != "red"))
    console.print(f"  {len(rows) - len(bright):,} of {len(rows):,} readings are green", markup=False)
    for one in told:
        console.print(f"  told: {one.sentence}", markup=False, soft_wrap=True)


def show_power(components: Components, rate: float | None, impressions: int | None) -> None:
    """Show what each arm can tell within a month, from the bank's log or from stated numbers."""
    from decisioning.experiments.power import LARGEST_USEFUL
    from serving.traffic import Traffic, exposure_ratio, powers, traffic_of

    bank, latest = components.bank, components.log.last_available_at()
    if not any(share for name, share in asdict(bank.policy.control).items() if name.endswith("_share")):
        return
    if rate is not None and impressions is not None:
        traffic = Traffic(impressions=impressions, rate=rate, exposed={})
    elif rate is None and impressions is None:
        traffic = Traffic(impressions=0, rate=None, exposed={})
        if latest is not None:
            traffic = traffic_of(components.log, bank, latest)
    else:
        raise DataError("power needs both numbers", expected="--rate and --impressions, or neither")
    found = powers(bank, traffic)
    if not found:
        return
    show_table(
        f"what arms can tell in a month: {traffic.impressions:,} impressions, of which {traffic.rate:.2%} are accepted",
        ("arm", "share", "impressions", "smallest effect it tells"),
        [(one.arm, f"{one.share:.1%}", round(one.observations), f"{one.effect:+.0%}") for one in found],
    )
    for one in found:
        if one.is_too_small:
            sentence = f"{one.arm} tells no effect below {one.effect:.0%} in a month; more than {LARGEST_USEFUL:.0%} is"
            console.print(f"  warning: {sentence} rare: raise its share or wait longer", markup=False, soft_wrap=True)
    ratio = exposure_ratio(bank, traffic)
    if ratio.is_mismatch:
        console.print(
            f"  warning: {ratio.exposures:,} customers were presented something in shares that are not those of the "
            f"arms (p = {ratio.p_value:.2g}): find the cause before you compare them",
            markup=False,
            soft_wrap=True,
        )
