"""Pictures and tables: what they show, and that names stay text."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from charts.areas import stacked_areas
from charts.bars import Bar, bars
from charts.sankey import Flow, sankey
from charts.svg import text_width, ticks
from charts.tables import HIDDEN, heat_table, table

HOSTILE = '<script>alert("1")</script>'
SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(picture))


@pytest.mark.parametrize(
    "picture",
    [
        bars([Bar(label=HOSTILE, value=1.0, text=HOSTILE)], HOSTILE),
        stacked_areas([HOSTILE], {HOSTILE: [1]}, HOSTILE),
        sankey([HOSTILE, HOSTILE], [HOSTILE], [Flow(0, HOSTILE, HOSTILE, 1.0)], HOSTILE),
        table([{HOSTILE: HOSTILE}], str),
        heat_table(HOSTILE, [HOSTILE], {HOSTILE: [(1.0, HOSTILE)]}, lambda value: (value, 1)),
    ],
)
def test_a_hostile_name_stays_text(picture: Markup) -> None:
    assert "<script" not in picture
    assert drawn(picture).tag in {"svg", "div"}


@pytest.mark.parametrize(
    "picture",
    [bars([], "Nothing"), stacked_areas([], {}, "Nothing"), sankey([], [], [], "Nothing"), table([], str)],
)
def test_nothing_can_be_drawn(picture: Markup) -> None:
    drawn(picture)
    assert "nan" not in picture


def test_every_picture_has_a_description() -> None:
    root = drawn(bars([Bar(label="app", value=1.0, text="1")], "Contacts by channel"))
    assert root.get("aria-label") == "Contacts by channel"
    assert root.get("role") == "img"


def test_bars_are_as_long_as_their_values() -> None:
    rows = [
        Bar(label="a", value=4.0, text="4"),
        Bar(label="b", value=1.0, text="1"),
        Bar(label="c", value=None, text=""),
    ]
    widths = [float(bar.get("width", "")) for bar in drawn(bars(rows, "")).iter("rect")]
    assert len(widths) == 2
    assert widths[0] == pytest.approx(4 * widths[1])


def test_a_band_is_as_thick_at_its_end_as_at_its_beginning_and_fills_its_groups() -> None:
    flows = [Flow(0, "a", "a", 6.0), Flow(0, "a", "b", 2.0), Flow(0, "b", "b", 4.0)]
    root = drawn(sankey(["May", "June"], ["a", "b"], flows, ""))
    heights = [float(bar.get("height", "")) for bar in root.iter("rect")]
    assert heights == pytest.approx([heights[0], heights[0] / 2, heights[0] * 6 / 8, heights[0] * 6 / 8], abs=0.2)
    for band in root.iter("path"):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", band.get("d", ""))]
        begin, end, end_below, begin_below = numbers[1], numbers[7], numbers[9], numbers[15]
        assert begin_below - begin == pytest.approx(end_below - end, abs=0.2)


def test_a_hidden_number_is_a_dot() -> None:
    assert f"<td>{HIDDEN}</td>" in table([{"customers": None}], str)
    assert HIDDEN in heat_table("", ["a"], {"b": [(None, "")]}, lambda value: (value, 1))


def test_ticks_reach_the_largest_value() -> None:
    assert all(ticks(largest)[-1] >= largest for largest in (0.003, 1.0, 7.0, 12_345.0))


@pytest.mark.parametrize("label", ["{y}年{m}月", "{m}/{y}"])
@pytest.mark.parametrize("months", [1, 2, 7, 18, 60])
def test_labels_of_times_keep_their_distance(label, months):
    times = [label.format(y=2025 + month // 12, m=month % 12 + 1) for month in range(months)]
    picture = stacked_areas(times, {"growth": list(range(months))}, "Customers")
    found = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="middle" class="axis">([^<]+)<', picture)
    assert found
    for (left, first), (right, second) in pairwise(found):
        assert float(right) - float(left) >= (text_width(first) + text_width(second)) / 2


def test_a_long_label_of_a_bar_is_not_cut():
    long = "application abandoned"
    picture = bars([Bar(label=long, value=1.0, text="1")], "What precedes")
    [at] = re.findall(rf'x="([\d.]+)"[^>]*>{long}<', picture)
    assert float(at) >= text_width(long)
