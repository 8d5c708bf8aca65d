"""A real randomised trial: 64,000 customers got an e-mail about men's or women's goods, or none (Hillstrom 2008).

A logging policy that depends on the customer is made by keeping each row with a known probability. What its decisions
say of a policy is compared with what the trial says, in which everybody's e-mail was drawn at random.
"""

import os
from pathlib import Path

import numpy as np
import pyarrow.csv as csv
import pytest

from decisioning.off_policy.evaluate import evaluate_policy

ROOT = Path(__file__).parents[3]
FILE = Path(os.environ.get("NBO_DATA") or ROOT / "../shared/data") / "hillstrom" / "hillstrom.csv.gz"
ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="no data: set NBO_DATA to a folder that has hillstrom/")


class Trial:
    """The trial: arms, visits within two weeks, and what was known of customers before."""

    def __init__(self):
        table = csv.read_csv(FILE)
        self.action = np.array([ARMS.index(name) for name in table["segment"].to_pylist()])
        self.visit = table["visit"].to_numpy().astype(np.float64)
        names = ("recency", "history", "mens", "womens", "newbie")
        self.context = np.stack([table[name].to_numpy().astype(np.float64) for name in names], axis=1)
        self.mens = self.context[:, 2] == 1

    def logged(self, seed):
        """Keep rows so that who bought men's goods got that e-mail more often; return rows and probabilities."""
        weight = np.where(self.mens[:, None], [[0.5, 1.0, 0.3]], [[0.5, 0.3, 1.0]])
        probability = weight / weight.sum(axis=1, keepdims=True)
        keep = np.random.default_rng(seed).random(len(self.action)) < weight[np.arange(len(weight)), self.action]
        return np.flatnonzero(keep), probability

    def policies(self):
        n = len(self.action)
        by_taste = np.where(self.mens, 1, 2)
        return {
            "nobody": np.zeros(n, dtype=int),
            "mens": np.ones(n, dtype=int),
            "womens": np.full(n, 2),
            "taste": by_taste,
            "against": 3 - by_taste,
        }

    def truth(self, policy):
        """Mean and standard error of the visits of those who by chance got what the policy would have sent."""
        seen = self.visit[self.action == policy]
        return float(seen.mean()), float(seen.std() / np.sqrt(len(seen)))


@pytest.fixture(scope="module")
def trial():
    return Trial()


def evaluated(trial, policy, seed):
    rows, probability = trial.logged(seed)
    return evaluate_policy(
        trial.action[rows],
        trial.visit[rows],
        probability[rows, trial.action[rows]],
        np.eye(3)[policy[rows]],
        context=trial.context[rows],
    )


@pytest.mark.parametrize("name", ["nobody", "mens", "womens", "taste", "against"])
def test_the_estimators_agree_with_the_trial(trial, name):
    policy = trial.policies()[name]
    truth, error = trial.truth(policy)
    found = evaluated(trial, policy, seed=1)
    for estimator in ("ips", "snips", "dr", "switch_dr", "dr_os"):
        value = found.values[estimator]
        half = (value.high - value.low) / 2
        # the trial's own figure has an error, too
        assert abs(value.value - truth) < np.hypot(half, 1.96 * error), estimator
    assert found.warnings == ()


def test_the_verdicts_are_those_of_the_trial(trial):
    assert evaluated(trial, trial.policies()["nobody"], seed=1).verdict.word.value == "stop"
    assert trial.truth(trial.policies()["nobody"])[0] < trial.truth(trial.policies()["mens"])[0]
