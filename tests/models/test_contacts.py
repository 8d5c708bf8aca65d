"""The plain door: a table of contacts in, a judged scorer out, whatever the table is like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import DataError, ModelError
from models.contact_table import ContactColumns
from models.contacts import ContactModel, fit_contacts
from models.settings import Training


def contacts(rows: int = 500, seed: int = 1) -> pd.DataFrame:
    """Contacts of two offers, accepted by older customers."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"offer": random.choice(["loan", "card"], rows), "age": random.normal(45, 10, rows)})
    frame["balance"] = np.exp(random.normal(5, 2, rows))
    frame["accepted"] = random.random(rows) < 1 / (1 + np.exp(-(frame["age"] - 52) / 5))
    return frame


@pytest.fixture(scope="module")
def fitted() -> ContactModel:
    return fit_contacts(contacts())


def test_only_the_offer_and_the_answer_need_a_name(fitted: ContactModel) -> None:
    assert fitted.evaluation is not None
    assert fitted.gate is not None
    assert fitted.evaluation.model["auc"].low > 0.75
    assert fitted.evaluation.improvements["prevalence"]["log_loss"].low > 0.0
    assert "evaluated on rows of other customers in 3 folds" in fitted.summary()


def test_scores_have_the_index_of_the_frame_and_follow_the_truth(fitted: ContactModel) -> None:
    people = pd.DataFrame({"offer": ["loan", "card"], "age": [65.0, 30.0], "balance": [100.0, 100.0]}, index=["x", "y"])
    scores = fitted.score(people)
    assert scores.index.tolist() == ["x", "y"]
    assert scores["x"] > 0.7 > 0.2 > scores["y"]
    table = fitted.score_offers(people.drop(columns="offer"))
    assert table.columns.tolist() == ["card", "loan"]
    assert table.loc["x", "loan"] == scores["x"]


def test_unknown_offers_categories_and_extreme_values_are_scored(fitted: ContactModel) -> None:
    strange = pd.DataFrame(
        {"offer": ["new"] * 4, "age": [1e300, -1e300, np.inf, np.nan], "balance": [0.0, -5.0, 1.0, 2.0]}
    )
    scores = fitted.score(strange)
    assert scores.between(0.0, 1.0, inclusive="neither").all()


def test_nobody_is_scored_by_nobody(fitted: ContactModel) -> None:
    assert fitted.score(contacts().head(0)).tolist() == []


def test_a_model_comes_back_from_its_folder_and_scores_the_same(fitted: ContactModel, tmp_path: Path) -> None:
    fitted.to_folder(tmp_path)
    again = ContactModel.from_folder(tmp_path)
    pd.testing.assert_series_equal(again.score(contacts(seed=2)), fitted.score(contacts(seed=2)))
    assert again.notes == fitted.notes


def test_with_moments_the_model_is_judged_on_later_contacts() -> None:
    frame = contacts()
    frame["at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(len(frame)) % 60, "D")
    model = fit_contacts(frame, ContactColumns(time="at"))
    assert "evaluated on later rows in 3 folds" in model.summary()
    frame["at"] = "2025-01-01"
    assert "evaluated on rows of other customers" in fit_contacts(frame, ContactColumns(time="at")).summary()


def test_columns_that_say_nothing_are_left_out_and_named() -> None:
    frame = contacts()
    frame = frame.assign(
        nothing=np.nan,
        constant=3,
        twin=frame["age"],
        id=[f"n{row}" for row in range(len(frame))],
        endless=np.where(frame.index % 9 == 0, np.inf, frame["balance"] * 2),
        grade=np.where(frame.index % 2 == 0, "Gold", "gold"),
        product=frame["age"] * 0.5,
        stage=frame["age"] * 0.25 + 1.0,
    )
    model = fit_contacts(frame)
    for sentence in (
        "column 'nothing' was left out: it is empty",
        "column 'constant' was left out: it is constant",
        "column 'twin' was left out: it is the same as 'age'",
        "column 'id' was left out: it names rows rather than describing them",
        "56 infinite values of column 'endless' count as missing",
        "column 'grade' has 'Gold' and 'gold', which are taken for two different values",
    ):
        assert sentence in model.summary()


def test_with_twenty_rows_the_answer_is_a_rate_and_says_so() -> None:
    model = fit_contacts(contacts(20))
    assert "too few outcomes of one kind to try anything else" in model.summary()
    scores = model.score(contacts(50, seed=3))
    assert scores.between(0.05, 0.6).all()


def test_an_offer_that_nobody_accepted_is_likely_but_not_certain_to_be_refused() -> None:
    frame = contacts()
    frame.loc[:99, "offer"] = "never"
    frame.loc[:99, "accepted"] = False
    people = pd.DataFrame({"offer": ["never", "loan"], "age": [60.0, 60.0], "balance": [150.0, 150.0]})
    never, loan = fit_contacts(frame).score(people)
    assert 0.0 < never < 0.5 * loan


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda frame: frame.assign(accepted=True), ModelError, "propensity model has too few rows.*'accepted'.*0 who"),
        (lambda frame: frame.assign(leak=frame["accepted"] * 1.0), ModelError, "column 'leak' alone tells the answer"),
        (lambda frame: pd.concat([frame, frame[["age"]]], axis=1), DataError, "have the same name: got 'age'"),
        (lambda frame: frame.drop(columns="offer"), DataError, "have no column 'offer'"),
        (lambda frame: frame.assign(accepted="perhaps"), DataError, "'accepted' is neither yes nor no: got 'perhaps'"),
        (lambda frame: frame.assign(offer=None), DataError, "column 'offer' is missing in some rows"),
        (lambda frame: frame.head(0), DataError, "table of contacts is empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused_with_the_column(change, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        fit_contacts(change(contacts()))


def test_a_feature_that_was_known_before_may_tell_the_answer() -> None:
    frame = contacts()
    frame["told"] = frame["accepted"] * 1.0
    model = fit_contacts(frame, ContactColumns(trusted=("told",)))
    assert model.gate is not None
    assert not model.gate.passed


def test_answers_known_before_their_contact_are_refused_and_future_ones_named() -> None:
    frame = contacts()
    frame["at"] = pd.Timestamp("2200-01-01") + pd.to_timedelta(np.arange(len(frame)) % 60, "D")
    frame["known"] = frame["at"] + pd.Timedelta(days=3)
    model = fit_contacts(frame, ContactColumns(time="at", known_at="known"))
    assert "500 answers are dated later than today, in 'known'" in model.summary()
    frame["known"] = frame["at"] - pd.Timedelta(days=3)
    with pytest.raises(DataError, match="an answer was known before its contact, by 'known' and 'at'"):
        fit_contacts(frame, ContactColumns(time="at", known_at="known"))


def test_a_moment_that_cannot_be_read_is_refused_with_its_row() -> None:
    frame = contacts()
    for broken in ("yesterday", None, pd.Timestamp("1999-01-01").to_pydatetime().replace(year=9000)):
        frame["at"] = ["2025-01-01"] * (len(frame) - 1) + [broken]
        with pytest.raises(DataError, match=r"'at' is missing or cannot be read.*in row 499"):
            fit_contacts(frame, ContactColumns(time="at"))


def test_whether_the_customer_uses_the_candidates_own_channel_is_learned_once_for_all_channels() -> None:
    random = np.random.default_rng(4)
    rows, channels = 3_000, np.array(["app", "web", "email", "letter"])
    uses = random.poisson(1.0, (rows, 4)).astype(float)
    frame = pd.DataFrame({f"{name}_visits": uses[:, place] for place, name in enumerate(channels)})
    at = random.integers(0, 4, rows)
    frame["offer"], frame["channel"], frame["favourite"] = "loan", channels[at], random.choice(channels, rows)
    score = -3.0 + 0.8 * uses[np.arange(rows), at] + 1.0 * (frame["favourite"] == frame["channel"])
    frame["accepted"] = random.random(rows) < 1 / (1 + np.exp(-score))
    families = {"channel": {"visits": {name: f"{name}_visits" for name in channels}}}
    model = fit_contacts(frame, ContactColumns(channel="channel", families=families))
    assert {"channel_visits", "channel_is_favourite"} <= set(model.model.base.families.names)
    one = frame.head(1).assign(app_visits=5.0, web_visits=0.0, favourite="app")
    in_app, on_web = model.score(one.assign(channel="app"))[0], model.score(one.assign(channel="web"))[0]
    assert in_app > 4 * on_web


def test_probabilities_follow_a_rate_that_falls_unless_time_is_said_not_to_matter() -> None:
    random, rows = np.random.default_rng(4), 3_000
    frame = contacts(rows)
    fell = np.linspace(0.0, 1.0, rows) > random.random(rows)
    frame["accepted"] &= ~(fell & (random.random(rows) < 0.7))
    frame["day"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(rows) // 20, "D")
    columns, late = ContactColumns(time="day"), frame.tail(300)
    following = fit_contacts(frame, columns)
    steady = fit_contacts(frame, columns, training=Training(segments=(), evaluated_by="customers"))
    seen = late["accepted"].mean()
    assert following.score(late).mean() == pytest.approx(seen, abs=0.03)
    assert steady.score(late).mean() > seen + 0.05
    assert "log-odds moved by -" in following.summary()
    assert "log-odds moved by" not in steady.summary()
