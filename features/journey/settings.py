"""How a bank describes its customers' journeys: lifecycle stages and sub-journeys per product."""

from __future__ import annotations

from dataclasses import dataclass

from domain.journey import Stage, Step
from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCondition(Spec):
    """When a customer belongs to a stage.

    Attributes:
        stage: Which.
        when: SQL condition over features (none of the stage's own); NULL counts as not.
        minimum_days: A customer who entered stays at least this long, so that nobody flaps.
    """

    stage: Stage
    when: str
    minimum_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCondition(Spec):
    """When a customer is at a step of a product's sub-journey; `{product}` stands for the product's name.

    Attributes:
        step: Which.
        when: SQL condition over features; NULL counts as not.
    """

    step: Step
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey(Spec):
    """Stages and steps; of each list the first condition that holds decides.

    A customer's stage is evaluated at the local midnights of a fixed grid, every `evaluate_every_days` days
    counted from Monday 2001-01-01, with what was available then; between two of them it stands. A customer
    enters the first stage at the first of these midnights after the first event, and is in no stage (NULL)
    before. Where no condition holds the stage stays as it is. From this come the features `stage`,
    `previous_stage` and `days_in_stage`, and from the steps `{product}_step`.

    Attributes:
        stages: In the order in which they are asked.
        steps: In the order in which they are asked, the same for every product.
        evaluate_every_days: Distance of the midnights at which stages are evaluated.
    """

    stages: tuple[StageCondition, ...]
    steps: tuple[StepCondition, ...] = ()
    evaluate_every_days: int = 7
