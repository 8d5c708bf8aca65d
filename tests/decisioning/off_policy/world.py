"""Worlds in which the value of every policy is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array


@dataclass(frozen=True)
class Decisions:
    """What one draw of a world gives; see `decisioning.off_policy.evaluate.evaluate_policy`."""

    action: NDArray[np.intp]
    reward: Array
    probability: Array
    target: Array
    context: Array
    customer: NDArray[np.intp]
    expected: Array
    """True expected rewards, shape (n, k)."""

    logging: Array
    """Probabilities of the logging policy, shape (n, k)."""


@dataclass(frozen=True)
class World:
    """Customers with two traits and a mood of their own, k offers, rewards with heavy tails."""

    offers: int = 4
    valued: bool = True
    sharpness: float = 0.5
    seed: int = 11

    def decisions(self, n: int, seed: int) -> Decisions:
        world, draw = np.random.default_rng(self.seed), np.random.default_rng(seed)
        taste, habit = world.normal(size=(2, self.offers)) * 0.6, world.normal(size=(2, self.offers))
        base, scores = world.normal(size=self.offers) * 0.5 - 1.5, np.exp(world.normal(size=self.offers) * 0.7)
        customer = draw.integers(max(1, n // 2), size=n)
        traits, mood = draw.normal(size=(customer.max() + 1, 2)), draw.normal(size=customer.max() + 1) * 0.5
        context = traits[customer]
        liking = context @ taste + base
        accepts = 1.0 / (1.0 + np.exp(-(liking + mood[customer, None])))
        logging = 0.8 * _softmax(context @ habit * self.sharpness) + 0.2 / self.offers
        action = (logging.cumsum(axis=1) > draw.random((n, 1))).argmax(axis=1)
        rows = np.arange(n)
        reward = (draw.random(n) < accepts[rows, action]).astype(np.float64)
        expected = accepts
        if self.valued:
            reward *= scores[action] * draw.lognormal(sigma=0.8, size=n)
            expected = accepts * scores * np.exp(0.8**2 / 2.0)
        target = _softmax(2.0 * liking * self.sharpness)
        return Decisions(action, reward, logging[rows, action], target, context, customer, expected, logging)

    def true_gain(self) -> float:
        large = self.decisions(400_000, seed=5)
        return float(((large.target - large.logging) * large.expected).sum(axis=1).mean())


def _softmax(score: Array) -> Array:
    exponent = np.exp(score - score.max(axis=1, keepdims=True))
    share: Array = exponent / exponent.sum(axis=1, keepdims=True)
    return share
