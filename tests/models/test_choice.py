from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from models.choice import Choice, HeldOutRows

ROWS = 6_000
TRUTH = np.random.default_rng(1).normal(-1.0, 1.0, ROWS)


@pytest.fixture(scope="module")
def rows() -> HeldOutRows:
    days = np.arange(ROWS) % 300
    as_of = np.datetime64("2026-01-01", "us") + days * np.timedelta64(1, "D")
    customers = np.array([f"c{number // 3}" for number in range(ROWS)], dtype=object)
    fold = np.arange(ROWS) // 3 % 3
    y = (np.random.default_rng(2).random(ROWS) < expit(TRUTH)).astype(float)
    return HeldOutRows(y=y, fold=fold, customers=customers, as_of=as_of, known_at=as_of)


def chosen(rows: HeldOutRows, preferred: np.ndarray, other: np.ndarray, *, follows: bool = False) -> Choice[str]:
    scores, trees = {"preferred": preferred, "other": other}, {"preferred": 0, "other": 9}
    return rows.choose(("preferred", "other"), scores, trees, follows=follows)


def test_the_preferred_form_gives_way_only_to_what_is_better_beyond_noise(rows: HeldOutRows) -> None:
    barely, clearly = TRUTH + np.random.default_rng(3).normal(0.0, 0.02, ROWS), np.full(ROWS, TRUTH.mean())
    kept, gave_way = chosen(rows, barely, TRUTH), chosen(rows, clearly, TRUTH)
    assert (kept.form, kept.trees) == ("preferred", 0)
    assert (gave_way.form, gave_way.trees) == ("other", 9)
    assert chosen(rows, TRUTH, clearly).form == "preferred"
    assert gave_way.losses["other"] < gave_way.losses["preferred"] - 0.05


def test_what_was_chosen_is_calibrated_and_follows_the_latest_level(rows: HeldOutRows) -> None:
    twice = chosen(rows, 2.0 * TRUTH, 3.0 * TRUTH)
    assert twice.form == "preferred"
    assert twice.calibration.rise == pytest.approx(0.5, abs=0.05)
    assert twice.shift == 0.0
    late = rows.as_of >= np.datetime64("2026-07-01")
    risen = HeldOutRows(
        y=(np.random.default_rng(2).random(ROWS) < expit(TRUTH + late)).astype(float),
        fold=rows.fold, customers=rows.customers, as_of=rows.as_of, known_at=rows.known_at,
    )  # fmt: skip
    steady, following = (chosen(risen, TRUTH, TRUTH, follows=follows) for follows in (False, True))
    assert following.shift == pytest.approx(0.55, abs=0.2)
    assert following.calibration.shift == pytest.approx(steady.calibration.shift + following.shift)


def test_words_say_the_form_its_trees_and_the_losses_in_their_order(rows: HeldOutRows) -> None:
    words = chosen(rows, np.full(ROWS, -1.0), TRUTH).in_words()
    assert words.startswith(
        "other, 9 trees, the first within noise of the lowest log loss on rows of other customers: "
    )
    assert words.split(": ")[1].split()[::2] == ["preferred", "other"]
    alone = rows.choose(("other",), {"other": TRUTH}, {"other": 9}, follows=False).in_words()
    assert alone.startswith("other, 9 trees; log loss 0.")
