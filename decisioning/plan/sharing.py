"""The plan of a batch run: contacts that must be made first, then the best use of the remaining budgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.allocate import Allocation, ResourceUse, allocate
from decisioning.allocation.prices import Prices, PriceSearch, find_prices
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from decisioning.plan.contact_options import ContactOptions
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """The contacts of a batch run.

    Attributes:
        chosen: For each part of the contact options, shape (n,): index of the customer's contact, -1 for none.
        value: Sum of the priorities before prices of the contacts that are not mandatory, in the bank's currency.
        bound: Upper bound on the value of any choice of contacts within the capacities.
        resources: Use of each binding budget, including contacts that must be made.
        refused: Contacts that must be made but were not, because a budget was exhausted.
    """

    chosen: tuple[NDArray[np.int32], ...]
    value: float
    bound: float
    resources: tuple[ResourceUse, ...]
    refused: int

    @property
    def gap(self) -> float:
        """Maximum share of the bound that is missed."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


def batch_prices(
    contact_options: Iterable[ContactOptions],
    capacities: Mapping[str, float],
    settings: PriceSearch,
    warm: Mapping[str, float],
) -> dict[str, float]:
    """Find the price of one unit of each budget: 0 for a budget that does not bind.

    Args:
        contact_options: All contact options; iterated many times.
        capacities: Capacity of every budget, in the policy's order; infinite ones do not bind.
        settings: Precision of the price search.
        warm: Initial prices, for example yesterday's.
    """
    names = list(capacities)
    binding = [place for place, name in enumerate(names) if np.isfinite(capacities[name])]
    if not binding:
        return dict.fromkeys(names, 0.0)
    begin = np.array([warm.get(names[place], 0.0) for place in binding])
    found = find_prices(_problem(contact_options, capacities, binding), settings, begin if begin.any() else None)
    prices = dict.fromkeys(names, 0.0)
    prices.update(zip((names[place] for place in binding), found.prices.tolist(), strict=True))
    return prices


def plan_contacts(
    contact_options: Iterable[ContactOptions],
    capacities: Mapping[str, float],
    prices: Mapping[str, float],
    settings: PriceSearch,
) -> ContactPlan:
    """Choose at most one contact for each customer.

    Contacts that must be made come first, in the order of the customers' hashes, as long as budgets last. All other
    customers share what is left, at the prices.

    Args:
        contact_options: The first offer of each channel; iterated many times.
        capacities: Capacity of every budget, in the policy's order; infinite ones do not bind.
        prices: Initial price of one unit of each budget.
        settings: Settings of the second price search, needed because mandatory contacts change what is left.
    """
    names = list(capacities)
    binding = [place for place, name in enumerate(names) if np.isfinite(capacities[name])]
    owed, spent, refused = _owed(contact_options, np.array([capacities[names[place]] for place in binding]), binding)
    if not binding:
        chosen = tuple(_best(part, first) for part, first in zip(contact_options, owed, strict=True))
        value = sum(_worth(part, made, first) for part, made, first in zip(contact_options, chosen, owed, strict=True))
        return ContactPlan(chosen, value, value, (), refused)
    left = {name: capacities[name] for name in names}
    for place, amount in zip(binding, spent.tolist(), strict=True):
        left[names[place]] = max(0.0, left[names[place]] - amount)
    problem = _problem(contact_options, left, binding)
    found = find_prices(problem, settings, np.array([prices[names[place]] for place in binding]))
    shared = allocate(problem, found, settings.threads)
    chosen = tuple(
        np.where(first >= 0, first, made).astype(np.int32) for first, made in zip(owed, shared.chosen, strict=True)
    )
    return ContactPlan(chosen, shared.value, found.bound, _with_owed(shared, found, capacities, spent), refused)


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Contact options as chunks of an allocation, read again in every pass, with only the binding budgets."""

    contact_options: Iterable[ContactOptions]
    binding: list[int]

    def __iter__(self) -> Iterator[CustomerChunk]:
        for part in self.contact_options:
            chunk = part.chunk()
            yield CustomerChunk(chunk.gain, tuple(chunk.consumption[place] for place in self.binding), chunk.keys)


def _problem(
    contact_options: Iterable[ContactOptions], capacities: Mapping[str, float], binding: list[int]
) -> AllocationProblem:
    names = list(capacities)
    amounts = np.array([capacities[names[place]] for place in binding])
    return AllocationProblem(_Chunks(contact_options, binding), amounts, tuple(names[place] for place in binding))


def _owed(
    contact_options: Iterable[ContactOptions], capacity: Array, binding: list[int]
) -> tuple[list[NDArray[np.int32]], Array, int]:
    """Choose the contacts that must be made; return them, their use of the budgets, and how many were refused."""
    chosen, keys, parts, rows, used = [], [], [], [], []
    for number, part in enumerate(contact_options):
        first = np.where(part.must.any(axis=1), part.must.argmax(axis=1), -1).astype(np.int32)
        chosen.append(first)
        these = np.flatnonzero(first >= 0)
        keys.append(part.keys[these])
        parts.append(np.full(len(these), number))
        rows.append(these)
        uses = [part.uses[place][these, first[these]] for place in binding]
        used.append(np.stack([*uses, np.zeros(len(these))], axis=1))
    spent, refused = np.zeros(len(binding)), 0
    if not chosen:
        return chosen, spent, refused
    part_of, row_of, amounts = np.concatenate(parts), np.concatenate(rows), np.concatenate(used)[:, :-1]
    for place in np.argsort(np.concatenate(keys), kind="stable").tolist():
        after = spent + amounts[place]
        if (after <= capacity).all():
            spent = after
        else:
            chosen[part_of[place]][row_of[place]] = -1
            refused += 1
    return chosen, spent, refused


def _best(part: ContactOptions, owed: NDArray[np.int32]) -> NDArray[np.int32]:
    known = np.where(np.isnan(part.gains), -np.inf, part.gains)
    best = known.argmax(axis=1) if known.shape[1] else np.full(len(part), -1)
    free = (owed < 0) & ~part.must.any(axis=1)
    some = (part.candidates >= 0).any(axis=1)
    return np.where(free & some, best, owed).astype(np.int32)


def _worth(part: ContactOptions, made: NDArray[np.int32], owed: NDArray[np.int32]) -> float:
    rows = np.flatnonzero((made >= 0) & (owed < 0))
    return float(part.gains[rows, made[rows]].sum())


def _with_owed(
    shared: Allocation, found: Prices, capacities: Mapping[str, float], spent: Array
) -> tuple[ResourceUse, ...]:
    return tuple(
        ResourceUse(use.name, capacities[use.name], use.used + owed, price)
        for use, owed, price in zip(shared.resources, spent.tolist(), found.prices.tolist(), strict=True)
    )
