import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.moves import Cheapest, Moves


def moves(costs: list[int]) -> Moves:
    count = len(costs)
    places = np.arange(count)
    return Moves(
        places, places[::-1].astype(np.uint64), np.zeros(count, np.int32), np.array(costs, float), places[None]
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 20), st.lists(st.integers(0, 60), max_size=4))
def test_the_cheapest_are_kept_however_they_come(costs: list[int], most: int, cuts: list[int]):
    everything, pool = moves(costs), Cheapest(1, most)
    for part in np.split(np.arange(len(costs)), sorted(cuts)):
        pool.add(everything.at(part))
    kept = pool.ordered()
    expected = sorted(range(len(costs)), key=lambda place: (costs[place], -place))[:most]
    assert kept.positions.tolist() == expected
    assert kept.units[0].tolist() == expected
