"""Writes a minimal, commented bank folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from models.settings import Training
from nbo.onboarding.drafting import BankDraft
from nbo.onboarding.yaml_text import flow


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAnswers:
    """What the files do not say.

    Attributes:
        name: Name of the bank.
        description: One sentence about it.
        time_zone: IANA name of its time zone.
        currency: ISO 4217 code of its currency.
        source_folder: Folder of its files, as in `bank.yaml`.
        complete_until: Last day of which the files know everything; None if that is the day of the last event.
        evaluate_every_days: Days between two looks at a customer's stage; until the first, nobody has one.
        churn_days: Days without a sign of life after which a customer counts as lost for the churn model, which are
            also the history before the first moment it learns from; and the days between these moments.
    """

    name: str
    description: str
    time_zone: str
    currency: str
    source_folder: str
    complete_until: date | None = None
    evaluate_every_days: int = 7
    churn_days: tuple[int, int] = (90, 30)


EXPECTED: Final = 0.02
"""What is written for an offer that no file knows."""


def bank_files(answers: BankAnswers, draft: BankDraft) -> dict[str, str]:
    """Return the content of each file of the bank's folder."""
    return {
        "bank.yaml": _bank(answers),
        "events.yaml": _events(draft),
        "sources.yaml": _sources(draft),
        "journey.yaml": f"evaluate_every_days: {answers.evaluate_every_days}\n{JOURNEY}",
        "offers.yaml": _offers(draft),
        "policies.yaml": _policies(draft),
        "models.yaml": _models(*answers.churn_days),
    }


def _bank(answers: BankAnswers) -> str:
    known = answers.complete_until
    return _lines(
        f"name: {flow(answers.name)}",
        f"description: {flow(answers.description)}",
        f"time_zone: {flow(answers.time_zone)}",
        f"currency: {flow(answers.currency)}",
        f"source_folder: {flow(answers.source_folder)}",
        *([] if known is None else [f"complete_until: {known} # the last day of which everything is known"]),
    )


def _events(draft: BankDraft) -> str:
    lines = [
        "# The bank's words: event types, customer attributes, channels and products.",
        f"channels: {flow(draft.channels)}",
        f"products: {flow(draft.products)}",
        "types: # the group `activity` counts as a sign of life",
        *(f"  {name}: {flow(item)}" for name, item in draft.types.items()),
    ]
    if not draft.types:
        lines += ["  contact: {groups: [activity], description: A contact with the customer}"]
    if draft.attributes:
        lines += [
            "attributes: # `other: true`: a value that is not listed counts as `other`",
            *(f"  {name}: {flow(item)}" for name, item in draft.attributes.items()),
        ]
    if draft.roles:
        lines += [
            "contacts: # an answer belongs to the latest contact with the same offer",
            *(f"  {role}: {name}" for role, name in draft.roles.items()),
            "  attribution: latest_presented",
        ]
    return _lines(*lines)


def _sources(draft: BankDraft) -> str:
    lines = [
        "# How the files become events. `nbo profile` shows what they hold, `nbo import --dry-run` what becomes of it."
    ]
    for source in draft.sources:
        lines += _source(source)
    lines += [f"# not read: {what}" for what in draft.left_out]
    return _lines(*lines)


def _source(source: Mapping[str, Any]) -> Iterable[str]:
    begin = "- "
    for key, item in source.items():
        if key == "values":
            yield "  values:"
            yield from (f"    {field}: {flow(names)}" for field, names in item.items())
        elif key == "events":
            yield "  events: # what one row makes, each on its own conditions"
            yield from (f"    - {flow(event)}" for event in item)
        else:
            yield f"{begin}{key}: {flow(item)}"
        begin = "  "


JOURNEY = """\
# The first stage whose condition holds.
stages:
  - {stage: lost, when: "days_since_activity > 365"}
  - {stage: dormant, when: "days_since_activity > 120"}
  - {stage: acquisition, when: "days_since_first_activity <= 90"}
  - {stage: mature, when: "TRUE"}
"""


def _models(silent_days: int, every_days: int) -> str:
    label = {"kind": "inactivity", "group": "activity", "horizon_days": silent_days, "population": "stage <> 'lost'"}
    lines = [
        f"# Who counts as lost for the churn model: no sign of life for {silent_days} days.",
        f"churn: {flow(label)}",
    ]
    training, usual = {"history_days": silent_days, "anchors_every_days": every_days}, asdict(Training())
    training = {name: days for name, days in training.items() if days != usual[name]}
    if training:
        lines += [f"# The exports are short: with more history, count longer.\ntraining: {flow(training)}"]
    return _lines(*lines)


def _offers(draft: BankDraft) -> str:
    offers = draft.offers or {"first_offer": "An offer to begin with"}
    lines = [
        "# What customers may be offered. `value` is what an acceptance is worth to the bank: a number to begin with,",
        "# or a formula over features, such as 20 + 0.01 * LEAST(balance, 10000). `expected_acceptance` is the share",
        "# of customers who take it, as far as you know: it decides until enough have answered.",
    ]
    for name, called in offers.items():
        lines += [
            f"- name: {name}",
            f"  description: {flow(called)}",
            '  value: "10"',
            f"  expected_acceptance: {draft.expected.get(name, EXPECTED)}",
            "  stages: [acquisition, mature, dormant, lost]",
            "  treatments:",
            *(f"    - {flow({'channel': channel, 'message': 'text'})}" for channel in draft.channels),
        ]
    return _lines(*lines)


def _policies(draft: BankDraft) -> str:
    lines = ["# What is allowed. Rules are conditions over features; NULL is not true."]
    if draft.consents:
        condition = " AND ".join(draft.consents)
        lines += [
            "consent: # channels in which a customer is contacted only with consent; check who consented to what",
            *(f"  {channel}: {flow(_consent(channel, draft.consents) or condition)}" for channel in draft.channels),
        ]
    lines += [
        'rules: [] # such as - {name: adult, kind: eligibility, require: "age >= 18"}',
        "offers_per_channel: 1",
    ]
    if draft.roles:
        lines += [
            "contact_limits:",
            "  - {name: weekly, per: customer, at_most: 1, days: 7}",
        ]
    return _lines(*lines)


def _consent(channel: str, consents: list[str]) -> str | None:
    """Return the consent whose name speaks of a channel."""
    return next((name for name in consents if channel.replace("_", "") in name.replace("_", "")), None)


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"
