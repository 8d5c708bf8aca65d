"""Compiles budgets: their charge formulas and checks of their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from decisioning.policies.budgets import Budget
from decisioning.policies.builder import Builder
from decisioning.policies.checks import BUDGETS_FILE
from decisioning.policies.compiled import BUDGET, CompiledBudget, CompiledRule
from domain.errors import Problem


def compile_budgets(
    budgets: Sequence[Budget], rules: Sequence[CompiledRule], builder: Builder
) -> tuple[CompiledBudget, ...]:
    """Compile each budget's charge per contact or acceptance, over the candidates that use the budget."""
    first = next((position for position, rule in enumerate(rules) if rule.kind == BUDGET), len(rules))
    compiled = []
    for position, budget in enumerate(budgets):
        columns = builder.names.candidates.within(budget)
        charge = builder.number(budget.charge, columns, (position, "charge"), BUDGETS_FILE)
        compiled.append(CompiledBudget(budget, columns, charge, first + position))
    return tuple(compiled)


def budget_problems(budgets: Sequence[Budget]) -> Iterator[Problem]:
    """Find invalid amounts and budgets that end before they begin."""
    for position, budget in enumerate(budgets):
        if not (math.isfinite(budget.amount) and budget.amount >= 0.0):
            yield Problem(
                file=BUDGETS_FILE,
                path=(position, "amount"),
                what=f"{budget.name}: the amount is invalid",
                got=f"{budget.amount}",
                expected="a number of at least 0",
            )
        if budget.valid_from and budget.valid_until and budget.valid_until < budget.valid_from:
            yield Problem(
                file=BUDGETS_FILE,
                path=(position, "valid_until"),
                what=f"{budget.name}: the budget ends before it begins",
                got=f"{budget.valid_until}",
                expected=f"{budget.valid_from} or later",
            )
