"""A valid small bank's folder, which each test changes in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigurationErrors
from config.reading import load_bank

BANKS = Path(__file__).resolve().parents[2] / "banks"

SMALL_BANK = {
    "bank.yaml": """\
name: small
description: As little as a bank can say
time_zone: Europe/Amsterdam
currency: EUR
""",
    "events.yaml": """\
channels: [app, push]
products: [savings]
attributes:
  birth_year: {type: number, unit: year}
  region: {type: category, values: [north, south]}
  risk_tolerance: {type: category, values: [low, medium, high]}
  hardship: {type: boolean}
types:
  app_login: {groups: [activity, login], description: Opened the app}
  salary: {groups: [activity, inflow], description: Salary}
  product_opened: {groups: [product_opened], description: Has it}
  product_closed: {groups: [product_closed], description: Has it no more}
  offer_presented: {description: An offer was put, properties: &offer {offer: {type: text}}}
  offer_accepted: {description: An offer was taken, properties: *offer}
contacts:
  presented: offer_presented
  accepted: offer_accepted
""",
    "sources.yaml": """\
- name: touchpoints
  files: ["*.csv"]
  time_zone: UTC
  columns: {customer_id: customer, occurred_at: time, type: event}
  values:
    type: {SAL: salary, LOGIN: app_login}
""",
    "features.yaml": """\
aggregates:
  - {name: salary_amount, aggregate: sum, where: {types: [salary]}, windows_days: [90], unit: EUR, topic: money,
     description: Salary}
derived:
  - {name: age, expression: "as_of_year - birth_year", unit: years, topic: profile, description: Age}
""",
    "journey.yaml": """\
evaluate_every_days: 7
stages:
  - {stage: lost, when: "days_since_activity > 150"}
  - {stage: dormant, when: "days_since_activity > 45", minimum_days: 14}
  - {stage: growth, when: "activity_trend > 1.15"}
  - {stage: mature, when: "TRUE"}
steps:
  - {step: holding, when: "{product}_held"}
""",
    "offers.yaml": """\
- name: savings_plus
  product: savings
  description: Savings with a bonus
  value: "40 + 0.004 * LEAST(inflow_amount_90d, 30000)"
  stages: [growth, mature]
  treatments:
    - {channel: app, message: card, cost: 0.01}
    - {channel: push, message: short, cost: 6.0}
- name: savings_goal
  product: savings
  description: Savings with a goal
  value: "25"
  cost: 24
  stages: [dormant]
  treatments: [{channel: app, message: card}]
- name: follow_up
  description: A question
  value: "20"
  stages: [mature, dormant]
  tags: [service]
  treatments: [{channel: app, message: card}]
""",
    "policies.yaml": """\
rules:
  - {name: adult, kind: eligibility, require: "age >= 18"}
  - {name: not_held, kind: applicability, require: "NOT family_held", products: [savings]}
  - {name: risk, kind: suitability, require: "risk_tolerance IN ('medium', 'high')"}
contact_limits:
  - {name: weekly, per: channel, at_most: 1, days: 7}
levers:
  - {name: campaign, factor: 1.2, offers: [savings_plus]}
control: {holdout_share: 0.02}
offers_per_channel: 3
""",
    "models.yaml": """\
churn:
  kind: inactivity
  group: activity
  horizon_days: 60
  population: "stage <> 'lost' AND days_since_activity <= 45"
  lead_days: 7
training:
  folds: 3
  segments: [stage, region]
""",
    "schedule.yaml": """\
train: "0 4 * * 0"
decide: "30 5 * * *"
""",
}


class Folder:
    """The small bank's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path / "small"
        self.path.mkdir()
        for name, text in SMALL_BANK.items():
            (self.path / name).write_text(text)

    def replace(self, file: str, old: str, new: str) -> Folder:
        text = (self.path / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        return self.write(file, text.replace(old, new, 1))

    def write(self, file: str, content: str | bytes) -> Folder:
        (self.path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def problems(self) -> list[str]:
        """Return the problems of loading, with paths relative to the folder."""
        with pytest.raises(ConfigurationErrors) as caught:
            load_bank(self.path)
        return [str(problem).replace(f"{self.path}/", "") for problem in caught.value.problems]


def line_of(file: str, text: str) -> int:
    """Return the line of a text in the unchanged folder."""
    return SMALL_BANK[file].split(text)[0].count("\n") + 1
