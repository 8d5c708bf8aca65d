"""Head to head, reach and hidden cells, against counts that are made row by row."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.reporting.tables import RULES_KEY
from serving.figures.head_to_head import HeadToHead
from serving.figures.reach import UNLIKELY, Reach
from serving.figures.small_cells import SMALLEST, hidden_cells

OFFERS, RULES = ("card", "loan", "savings"), tuple(f"rule_{number}" for number in range(70))
CUSTOMERS = [f"c{number}" for number in range(6)]


def is_told(hidden: np.ndarray, cell: tuple[int, int]) -> bool:
    """Whether a hidden cell follows from the sums of rows and columns and the cells that are shown."""
    places = [tuple(place) for place in np.argwhere(hidden).tolist()]
    sums = np.zeros((sum(hidden.shape), len(places)))
    for number, (row, column) in enumerate(places):
        sums[row, number] = sums[hidden.shape[0] + column, number] = 1.0
    # determined if and only if no vector that all sums miss moves it
    _, values, vectors = np.linalg.svd(sums)
    kernel = vectors[int((values > 1e-9).sum()) :]
    return bool(np.allclose(kernel[:, places.index(cell)], 0.0)) if len(kernel) else True


@given(st.integers(2, 5), st.integers(2, 5), st.data())
def test_no_hidden_cell_follows_from_what_is_shown(rows, columns, data):
    counts = np.array(data.draw(st.lists(st.integers(0, 60), min_size=rows * columns, max_size=rows * columns)))
    counts = counts.reshape(rows, columns)
    hidden = hidden_cells(counts)
    small = (counts > 0) & (counts < SMALLEST)
    assert hidden[small].all()
    assert hidden.any() == small.any()
    for cell in np.argwhere(hidden & small).tolist():
        assert not is_told(hidden, tuple(cell))


@given(st.integers(3, 5), st.data())
def test_nor_in_a_table_without_a_diagonal(size, data):
    counts = np.array(data.draw(st.lists(st.integers(0, 60), min_size=size**2, max_size=size**2))).reshape(size, size)
    np.fill_diagonal(counts, 0)
    hidden = hidden_cells(counts, possible=~np.eye(size, dtype=bool))
    assert not hidden.diagonal().any()
    for cell in np.argwhere(hidden & (counts > 0) & (counts < SMALLEST)).tolist():
        assert not is_told(hidden, tuple(cell))


def test_a_table_of_one_row_hides_all_of_it():
    assert hidden_cells(np.array([[3, 50, 90]])).all()
    assert not hidden_cells(np.array([[30, 50, 90]])).any()


@st.composite
def decided(draw):
    """Ranked offers and rejections: each customer, channel and offer is one or the other."""
    ranked, rejected = [], []
    for customer, channel in product(CUSTOMERS, ("app", "email")):
        order = draw(st.permutations(OFFERS))
        chosen = draw(st.integers(0, len(OFFERS)))
        for rank, offer in enumerate(order[:chosen], start=1):
            propensity = draw(st.sampled_from([None, 0.01, 0.3]))
            ranked.append((customer, channel, rank, offer, propensity))
        for offer in order[chosen:]:
            failed = draw(st.sets(st.sampled_from([0, 1, 63, 64, 69]), min_size=1))
            rejected.append((customer, channel, offer, failed))
    return ranked, rejected


def tables(ranked, rejected):
    names = ("customer_id", "channel", "rank", "offer", "propensity")
    types = (pa.string(), pa.string(), pa.int16(), pa.string(), pa.float64())
    first = pa.table({name: pa.array([row[at] for row in ranked], types[at]) for at, name in enumerate(names)})
    columns = {
        name: pa.array([row[at] for row in rejected], pa.string())
        for at, name in enumerate(("customer_id", "channel", "offer"))
    }
    for word in range(2):
        bits = [sum(1 << (bit - 64 * word) for bit in row[3] if bit // 64 == word) for row in rejected]
        columns[f"failed_{word}"] = pa.array(bits, pa.uint64())
    return first, pa.table(columns).replace_schema_metadata({RULES_KEY: json.dumps(RULES).encode()})


@given(decided())
def test_head_to_head_counts_each_customer_once_a_pair(decisions):
    ranked, rejected = decisions
    first, _ = tables(ranked, rejected)
    expected = np.zeros((3, 3), dtype=int)
    for one, other in product(OFFERS, repeat=2):
        met = {
            (row[0])
            for row in ranked
            if row[2] == 1 and row[3] == one
            for behind in ranked
            if behind[:2] == row[:2] and behind[2] > 1 and behind[3] == other
        }
        expected[OFFERS.index(one), OFFERS.index(other)] = len(met)
    assert HeadToHead.of(OFFERS, first).wins.tolist() == expected.tolist()


@given(decided())
def test_reach_counts_whom_one_rule_alone_keeps_away(decisions):
    ranked, rejected = decisions
    found = Reach.of(OFFERS, *tables(ranked, rejected))
    best = dict.fromkeys(CUSTOMERS, -1.0)
    for customer, _, _, _, propensity in ranked:
        best[customer] = max(best[customer], 1.0 if propensity is None else propensity)
    never = {customer for customer in CUSTOMERS if best[customer] < 0}
    unlikely = {customer for customer in CUSTOMERS if 0 <= best[customer] < UNLIKELY}
    assert (found.customers, found.never, found.unlikely) == (len(CUSTOMERS), len(never), len(unlikely))
    for at in (0, 1, 63, 64, 69):
        for group, counts, whole in (
            (never, found.never_by_rule, found.never_by_any),
            (unlikely, found.unlikely_by_rule, found.unlikely_by_any),
        ):
            kept = {(row[0], row[2]) for row in rejected if row[3] == {at} and row[0] in group}
            assert counts[at].tolist() == [len([1 for one in kept if one[1] == offer]) for offer in OFFERS]
            assert whole[at] == len({customer for customer, _ in kept})


@given(decided())
def test_figures_of_parts_add_up(decisions):
    ranked, rejected = decisions
    halves = [
        tables(*([row for row in rows if (row[0] in CUSTOMERS[:3]) == half] for rows in (ranked, rejected)))
        for half in (True, False)
    ]
    whole = tables(ranked, rejected)
    assert (HeadToHead.of(OFFERS, halves[0][0]) + HeadToHead.of(OFFERS, halves[1][0])).wins.tolist() == HeadToHead.of(
        OFFERS, whole[0]
    ).wins.tolist()
    added = Reach.of(OFFERS, *halves[0]) + Reach.of(OFFERS, *halves[1])
    assert added.to_json({}) == Reach.of(OFFERS, *whole).to_json({})


@pytest.mark.parametrize("customers", [SMALLEST - 1, SMALLEST])
def test_few_customers_are_not_shown(customers):
    rejected = [(f"c{number}", "app", "loan", {1}) for number in range(customers)]
    rows = Reach.of(OFFERS, *tables([], rejected)).to_json({"loan": 2.0})["rules"]
    row = {"rule": "rule_1", "never": customers, "unlikely": 0, "offer": "loan", "would_get_it": customers}
    assert rows == ([{**row, "gain": 2.0 * customers}] if customers >= SMALLEST else [])
