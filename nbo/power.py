"""What the arms of a bank can tell within a month, as a table."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from domain.errors import DataError
from nbo.display import console, show_table

if TYPE_CHECKING:
    from wiring.components import Components


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
