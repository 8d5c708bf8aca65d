"""Execute a plan: compute the numbers kept for every moment, as an int64 matrix."""

from __future__ import annotations

import numpy as np

from features.kernel.arrays import BoolArray, Int64Array, Int64Matrix
from features.kernel.history import CodedMoments, History
from features.kernel.plan import FilterNode, Plan, Slot
from features.kernel.selection import Section, Selection


def gather(plan: Plan, history: History, moments: CodedMoments) -> Int64Matrix:
    """Compute the numbers kept for every moment, shape (rows of the plan, m); without events they are the identity."""
    kept = np.repeat(plan.identity, len(moments.customer), axis=1)
    settled, tails = history.visible(moments, plan.windows)
    aggregate(plan, settled, kept)
    for tail in tails:
        recent = np.repeat(plan.identity, len(tail.moments), axis=1)
        for slot in aggregate(plan, tail.section, recent):
            merged = slot.aggregate.merge(tuple(kept[slot.rows, tail.moments]), tuple(recent[slot.rows]))
            kept[slot.rows, tail.moments] = merged
    return kept


def merge(plan: Plan, kept: Int64Matrix, section: Section) -> Int64Matrix:
    """Merge the events of a section into the kept numbers of the same moments; `kept` is not changed."""
    recent, merged = np.empty_like(kept), kept.copy()  # slots without events are neither written nor merged
    for slot in aggregate(plan, section, recent):
        merged[slot.rows] = slot.aggregate.merge(tuple(kept[slot.rows]), tuple(recent[slot.rows]))
    return merged


def move(
    plan: Plan, kept: Int64Matrix, leaving: Section, entering: Section, day: Int64Array
) -> tuple[Int64Matrix, BoolArray]:
    """Move the numbers kept at local midnights to the next midnights.

    Args:
        plan: A plan with mergeable days.
        kept: Numbers kept of the events before the midnights, shape (rows of the plan, m); not changed.
        leaving: `History.leaving` of these midnights.
        entering: Events that became available from these midnights to the next ones, listed as of the next ones.
        day: The local day that begins at each of these midnights.

    Returns:
        The numbers kept at the next midnights, and a mask of the moments for which they are exact: the others have
        to be computed from the history.
    """
    moved, gone, come = kept.copy(), np.empty_like(kept), np.empty_like(kept)
    exact = np.ones(kept.shape[1], dtype=np.bool_)
    for slot in aggregate(plan, leaving, gone):
        before, left = tuple(kept[slot.rows]), tuple(gone[slot.rows])
        exact &= slot.aggregate.can_subtract(before, left)
        moved[slot.rows] = slot.aggregate.without(before, left)
    for slot in plan.slots:
        numbers = tuple(moved[slot.rows])
        later = slot.aggregate.roll(numbers, day)
        if later is not numbers:
            moved[slot.rows] = later
    for slot in aggregate(plan, entering, come):
        moved[slot.rows] = slot.aggregate.merge(tuple(moved[slot.rows]), tuple(come[slot.rows]))
    return moved, exact


def aggregate(plan: Plan, section: Section, kept: Int64Matrix) -> list[Slot]:
    """Write the slots that have events into `kept`, for all moments; return these slots."""
    written: list[Slot] = []
    whole = Selection.whole(section)
    for node in plan.roots:
        _visit(node, whole, kept, written)
    return written


def _visit(node: FilterNode, selection: Selection, kept: Int64Matrix, written: list[Slot]) -> None:
    selection = node.step.narrow(selection)
    if not len(selection):
        return
    for kind, slots in node.slots.items():
        prepared = kind.prepare(selection)
        for slot in slots:
            for row, numbers in enumerate(kind.over(prepared, selection, selection.ranges(slot.window)), slot.start):
                kept[row] = numbers
        written += slots
    for following in node.following.values():
        _visit(following, selection, kept, written)
