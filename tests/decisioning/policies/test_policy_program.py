"""What a policy's program says is what each of its conditions and formulas says alone, however odd the customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from config.reading import load_bank
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.evaluation_context import EvaluationContext
from decisioning.policies.verdicts import BITS_PER_WORD
from tests.docs.pages import ROOT

PLAIN = np.array([0.0, -0.0, 0.1 + 0.2, 0.3, 1.0, 2.0, 3.0, 12.0, 18.0, 30.0, 65.0, 1e3, -1.0, 5e-324, 1e11, 1e300])
ODD = np.array([np.nan, np.inf, -np.inf])


@pytest.fixture(scope="module")
def policy() -> CompiledPolicy:
    """The demo bank's policy with every declared rule three times, so that a verdict takes several words."""
    bank = load_bank(ROOT / "banks" / "demo")
    rules = [replace(rule, name=f"{rule.name}_{copy}") for copy in range(3) for rule in bank.policy.rules]
    declared = replace(bank.policy, rules=tuple(rules))
    compiled, problems = compile_policy(
        declared, bank.offers, bank.vocabulary, bank.features, bank.budgets, time_zone=bank.time_zone
    )
    assert not problems
    assert len(compiled.rules) > BITS_PER_WORD
    return compiled


@pytest.mark.parametrize("values", [ODD[:1], PLAIN, np.concatenate([PLAIN, ODD])], ids=["null", "plain", "odd"])
@pytest.mark.parametrize("customers", [1, 2, 300])
def test_a_program_says_of_each_candidate_what_conditions_and_formulas_say(
    policy: CompiledPolicy, customers: int, values: np.ndarray
) -> None:
    rng, layout, shape = np.random.default_rng(customers), policy.sources, (customers, len(policy.candidates))
    told = {name: rng.choice(values, customers) for name in layout.moment_row}
    context = EvaluationContext(
        layout, customers, {name: rng.choice(values, customers) for name in layout.features}, told
    )
    with np.errstate(all="ignore"):
        answers = policy.program.run(context.rows)
        for position, rule in enumerate(policy.rules):
            word, bit = divmod(position, BITS_PER_WORD)
            failing = np.zeros(shape, dtype=np.bool_)
            for part in rule.parts:
                failing[:, part.columns] = ~part.holds(context)
            found = (answers.failing[..., word] >> np.uint64(bit)) & np.uint64(1)
            assert np.array_equal(found.astype(np.bool_), failing), rule.name
        value = np.full(shape, np.nan)
        for formula in policy.values:
            value[:, formula.columns] = formula.values(context)
        assert np.array_equal(answers.value, value, equal_nan=True)
        for budget, charges in zip(policy.budgets, answers.charges, strict=True):
            if budget.charge is not None:
                expected = np.broadcast_to(budget.charge.values(context), charges.shape)
                assert np.array_equal(charges, expected, equal_nan=True), budget.budget.name
