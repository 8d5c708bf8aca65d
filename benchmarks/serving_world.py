"""The bank that the service is measured with: the demo bank, with twenty offers in three channels and sixty rules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from config.bank import Bank
from config.reading import load_bank
from serving.decider import Decider

DEMO = Path(__file__).parent.parent / "banks" / "demo"
CHANNELS = ("app", "email", "call_centre")
OFFERS, RULES = 20, 60
NAME = "bench"
FILLERS = (
    "age IS NULL OR age < {k}",
    "days_since_activity IS NULL OR days_since_activity < {k}",
    "inflow_amount_90d >= 0 OR outflow_amount_90d > {k}",
    "activity_count_90d >= 0 AND activity_count_90d < 10000{k}",
    "region IN ('north', 'south', 'east', 'west') OR region IS NULL",
    "family_step IS NULL OR family_step <> 'exit' OR open_holdings_count < {k}",
    "NOT (open_complaints_count > {k})",
    "channel <> 'email' OR as_of_hour >= 0",
    "offer_cost < 1000{k} AND contact_cost < 100",
)
"""Rules that let nearly everybody through, as most rules of a bank do; each reads something."""


def write_bank(folder: Path, *, customers: int, months: int) -> Bank:
    """Write the bank's folder, and read it.

    Args:
        folder: New.
        customers: Simulated ones, from which models and states are made.
        months: That they live.
    """
    shutil.copytree(DEMO, folder)
    yaml = YAML()
    _change(yaml, folder / "bank.yaml", lambda content: content.update(name=NAME))
    _change(yaml, folder / "simulation.yaml", lambda content: content.update(customers=customers, months=months))
    # few customers give few trees; with smaller steps they are as many as a whole bank gives
    slowly = {"parameters": {"learning_rate": 0.01}}
    _change(yaml, folder / "models.yaml", lambda content: content["learning"]["propensity"].update(slowly))
    files = [folder / name for name in ("policies.yaml", "budgets.yaml")]
    said = "".join(file.read_text(encoding="utf-8") for file in files if file.exists())

    def fewer(offers: list[dict[str, Any]]) -> None:
        for offer in offers:
            kept = [treatment for treatment in offer["treatments"] if treatment["channel"] in CHANNELS]
            offer["treatments"] = kept or [{"channel": CHANNELS[0], "message": "card", "cost": 0.01}]
            there = {treatment["channel"] for treatment in offer["treatments"]}
            offer["treatments"] += [
                {"channel": channel, "message": "card", "cost": 0.01} for channel in CHANNELS if channel not in there
            ]
        # none that a rule or budget names, and none that is the last of its product
        for offer in list(offers):
            alike = sum(other.get("product") == offer.get("product") for other in offers)
            if len(offers) > OFFERS and offer["name"] not in said and alike > 1:
                offers.remove(offer)
        tags.update(tag for offer in offers for tag in offer.get("tags", ()))

    tags: set[str] = set()

    def met(policies: dict[str, Any]) -> None:
        for part in ("rules", "contact_limits", "quiet_hours", "levers"):
            for one in list(policies.get(part, [])):
                for key, known in (("channels", CHANNELS), ("tags", tags), ("except_tags", tags)):
                    if key in one:
                        one[key] = [name for name in one[key] if name in known]
                if [] in (one.get("channels"), one.get("tags")):
                    policies[part].remove(one)
        for part in ("consent", "outbound"):
            for channel in list(policies.get(part, {})):
                if channel not in CHANNELS:
                    del policies[part][channel]

    _change(yaml, folder / "offers.yaml", fewer)
    _change(yaml, folder / "policies.yaml", met)
    missing = RULES - len(Decider(load_bank(folder), None, None).policy.rules)

    def more(policies: dict[str, Any]) -> None:
        kinds = ("eligibility", "applicability", "suitability")
        policies["rules"] += [
            {"name": f"filler_{k}", "kind": kinds[k % 3], "require": FILLERS[k % len(FILLERS)].format(k=k + 100)}
            for k in range(missing)
        ]

    _change(yaml, folder / "policies.yaml", more)
    bank = load_bank(folder)
    policy = Decider(bank, None, None).policy
    assert (len(bank.offers), len(policy.candidates), len(policy.rules)) == (OFFERS, OFFERS * len(CHANNELS), RULES)
    return bank


def _change(yaml: YAML, file: Path, change: Any) -> None:
    content = yaml.load(file.read_text(encoding="utf-8"))
    change(content)
    with file.open("w", encoding="utf-8") as handle:
        yaml.dump(content, handle)
