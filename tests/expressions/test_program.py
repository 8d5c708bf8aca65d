"""Programs compute what the expressions alone compute, to the last bit."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.errors import ExpressionError
from expressions.expression import compile_expression
from expressions.operand import Checked
from expressions.program import BLOCK, Program
from expressions.symbols import Graph
from tests.expressions.test_against_duckdb import COLUMNS, SCHEMA, conditions, names, numbers


def checked(columns):
    graph = Graph()
    return graph, Checked({name: graph.input(name) for name in columns})


def agree(texts: list[str], columns=COLUMNS) -> None:
    expressions = [compile_expression(text, SCHEMA) for text in texts]
    graph, symbols = checked(columns)
    with np.errstate(all="ignore"):
        values = [graph.symbol(expression.values(symbols)) for expression in expressions]
        truths = [graph.symbol(one.truth(symbols)) for one in expressions if one.type == SCHEMA["p"]]
    program = Program.of(graph, [*values, *truths])
    inputs = np.array([columns[name] for name in program.inputs]).reshape(len(program.inputs), -1)
    found, held = program.run(inputs if len(inputs) else np.empty((0, len(columns["a"]))))
    for text, expression, got in zip(texts, expressions, found, strict=True):
        wanted = np.broadcast_to(expression.evaluate(columns), got.shape)
        assert np.array_equal(got, wanted, equal_nan=True), text
    whole = [one for one in expressions if one.type == SCHEMA["p"]]
    for expression, got in zip(whole, held, strict=True):
        assert np.array_equal(got, np.broadcast_to(expression.holds(columns), got.shape)), expression.text


@settings(max_examples=100, deadline=None, derandomize=True, phases=[Phase.generate])  # to shrink takes minutes
@given(texts=st.lists(st.one_of(conditions(3), numbers(3), names(3)), min_size=1, max_size=6))
def test_a_program_computes_what_its_expressions_compute(texts: list[str]) -> None:
    agree(texts)


FUNCTIONS = [
    "LN(GREATEST(ABS(a), 0.5))",
    "EXP(a * 300)",
    "SQRT(a)",
    "POWER(a, b)",
    "ROUND(a * 37, -1)",
    "ROUND(a / 7, 3)",
    "ENTROPY(a, b, 2)",
    "CASE WHEN p THEN s ELSE 'unasked' END",
    "s = t",
]


def test_every_function_is_known_to_programs() -> None:
    agree(FUNCTIONS)


def test_many_customers_get_what_one_gets_alone() -> None:
    random = np.random.default_rng(3)
    rows = random.integers(len(COLUMNS["a"]), size=3 * BLOCK + 5)
    agree(FUNCTIONS, {name: values[rows] for name, values in COLUMNS.items()})


def test_equal_parts_are_computed_once() -> None:
    graph, symbols = checked(COLUMNS)
    texts = ("a + b > 1", "c < 2 OR a + b > 1", "a + b > 1 AND p")
    results = [graph.symbol(compile_expression(text, SCHEMA).truth(symbols)) for text in texts]
    Program.of(graph, results)
    assert sum(step.function is np.add for step in graph.steps) == 1


@pytest.mark.parametrize(
    "use",
    [
        np.sort,
        np.arctan,
        np.add.reduce,
        np.asarray,
        bool,
        lambda column: column > np.array([1.0, 2.0]),
        lambda column: column & True,
    ],
)
def test_what_a_program_cannot_compute_is_refused_when_it_is_made(use) -> None:
    with pytest.raises(ExpressionError, match="what its program cannot compute"):
        use(Graph().input("a"))
