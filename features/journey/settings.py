"""Settings of a bank's customer journeys: lifecycle stages, and sub-journeys per product."""

from __future__ import annotations

from dataclasses import dataclass

from domain.journey import Stage, Step
from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCondition(Spec):
    """When a customer belongs to a stage.

    Attributes:
        stage: The stage.
        when: SQL condition over features (stage features excluded); NULL counts as false.
        minimum_days: A customer who entered stays at least this long, which prevents frequent changes.
    """

    stage: Stage
    when: str
    minimum_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCondition(Spec):
    """When a customer is at a step of a product's sub-journey; `{product}` stands for the product's name.

    Attributes:
        step: The step.
        when: SQL condition over features; NULL counts as false.
    """

    step: Step
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey(Spec):
    """Stages and steps; in each list the first condition that holds decides.

    A customer's stage is evaluated at the local midnights of a fixed grid, every `evaluate_every_days` days
    counted from Monday 2001-01-01, with what was available then; it does not change in between. A customer enters
    the first stage at the first of these midnights after the first event, and is in no stage (NULL) before. If no
    condition holds, the stage does not change. The stages make the features `stage`, `previous_stage` and
    `days_in_stage`; the steps make `{product}_step`.

    Attributes:
        stages: In order of evaluation.
        steps: In order of evaluation, the same for every product.
        evaluate_every_days: Days from one evaluation of stages to the next.
    """

    stages: tuple[StageCondition, ...]
    steps: tuple[StepCondition, ...] = ()
    evaluate_every_days: int = 7
