"""Features that a journey makes: the stage features, and a step for every product."""

from __future__ import annotations

from collections.abc import Sequence

from domain.journey import Stage
from expressions.expression import compile_expression
from expressions.types import Category, Number, Schema
from features.building.formulas import Formula, Part
from features.definitions import Feature
from features.journey.settings import Journey

FILE = "journey.yaml"
STAGE, PREVIOUS_STAGE, DAYS_IN_STAGE = "stage", "previous_stage", "days_in_stage"
STAGE_FEATURES = (STAGE, PREVIOUS_STAGE, DAYS_IN_STAGE)
STAGES = Category(tuple(stage.value for stage in Stage))
"""All stages in order, whichever a bank uses, so that a position means the same everywhere."""
OWNER = "customer analytics"


def stage_formulas(journey: Journey) -> list[Formula]:
    """Make the three features of the lifecycle stage, which come after all that their conditions read."""

    def build(_: Schema) -> tuple[Feature, ...]:
        return (
            Feature(
                name=STAGE,
                type=STAGES,
                unit="category",
                topic="journey",
                owner=OWNER,
                description="Lifecycle stage at the last midnight",
            ),
            Feature(
                name=PREVIOUS_STAGE,
                type=STAGES,
                unit="category",
                topic="journey",
                owner=OWNER,
                description="Lifecycle stage before this one",
            ),
            Feature(
                name=DAYS_IN_STAGE,
                type=Number(),
                unit="days",
                topic="journey",
                owner=OWNER,
                description="Local days since the customer entered the stage",
            ),
        )

    parts = tuple(
        Part(condition.when, ("stages", position, "when"), is_condition=True)
        for position, condition in enumerate(journey.stages)
    )
    return [
        Formula(
            title=STAGE,
            makes=STAGE_FEATURES,
            file=FILE,
            name_path=("stages",),
            parts=parts,
            build=build,
            survives_errors=True,
        )
    ]


def step_formulas(products: Sequence[str], journey: Journey) -> list[Formula]:
    """Make a CASE expression for the sub-journey with each product; none for a journey without steps."""
    return [_step(product, journey) for product in products] if journey.steps else []


def _step(product: str, journey: Journey) -> Formula:
    conditions = [condition.when.replace("{product}", product) for condition in journey.steps]
    parts = tuple(
        Part(text, ("steps", position, "when"), is_condition=True) for position, text in enumerate(conditions)
    )
    branches = " ".join(
        f"WHEN {text} THEN '{condition.step.value}'" for text, condition in zip(conditions, journey.steps, strict=True)
    )
    expression, name = f"CASE {branches} END", f"{product}_step"

    def build(schema: Schema) -> tuple[Feature, ...]:
        feature = Feature(
            name=name,
            type=compile_expression(expression, schema).type,
            unit="category",
            topic="journey",
            owner=OWNER,
            description="Step of the sub-journey with the product",
            expression=expression,
            template="step",
            member=product,
        )
        return (feature,)

    return Formula(
        title="{product}_step",
        makes=(name,),
        file=FILE,
        name_path=("steps",),
        parts=parts,
        build=build,
        of_product=True,
    )
