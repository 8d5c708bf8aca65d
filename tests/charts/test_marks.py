import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from charts.marks import marks
from charts.svg import text_width

POSITIONS = st.sets(st.integers(0, 480), max_size=30)


def labels(drawn: list) -> list[tuple[float, str]]:
    found = re.findall(r'<text x="([\d.]+)"[^>]*>([^<]+)<', "".join(drawn))
    return [(float(x), text) for x, text in found]


def written_out(text: str) -> list[int]:
    parts = [part.split("–") for part in text.split(", ")]
    return [number for part in parts for number in range(int(part[0]), int(part[-1]) + 1)]


@given(POSITIONS)
def test_every_number_is_written_once_and_no_label_covers_another(positions):
    numbers = {float(x): [number] for number, x in enumerate(sorted(positions), start=1)}
    drawn = marks(numbers, 20.0, 100.0)
    found = labels(drawn)
    assert [number for _, text in found for number in written_out(text)] == list(range(1, len(positions) + 1))
    assert sum("<line" in one for one in drawn) == len(positions)
    for (left, first), (right, second) in pairwise(found):
        assert right - left >= (text_width(first) + text_width(second)) / 2


def test_two_that_follow_each_other_are_no_range():
    assert labels(marks({10.0: [1, 2], 100.0: [3, 5, 6, 7]}, 20.0, 100.0)) == [(10.0, "1, 2"), (100.0, "3, 5–7")]
