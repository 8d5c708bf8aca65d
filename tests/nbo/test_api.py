"""What data scientists import, on a small bank with a past and models; the guide's code runs on it as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socket import create_server

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

from decisioning.engine import DecisionContext
from domain.offer import candidates_of
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.moments import Moments
from models.inputs import model_inputs
from models.tracking.run_list import list_runs
from nbo.api import Bank, NboError, open_bank
from nbo.api.computing import frame_of, table_of
from nbo.compared_runs import show_comparison
from nbo.experiments import show_experiments
from nbo.training_files import write_labelled
from pipelines.training import train_propensity_model
from pipelines.training_population import answers_to_offers
from serving.customer_features import Origin
from tests.docs.pages import ROOT, blocks
from tests.pipelines.ready_bank import ready_to_decide
from tests.pipelines.small_bank import SmallBank
from tests.wiring.past import decide_night

GUIDE = ROOT / "docs" / "guides" / "data_scientists.md"


@contextmanager
def same_environment() -> Iterator[None]:
    """Give the process back the environment that it had: opening a bank changes it."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """In the place and with the name of the demo bank, for the guide; only Prefect is not asked to record its work."""
    with same_environment(), pytest.MonkeyPatch.context() as monkeypatch:
        small = ready_to_decide(tmp_path_factory.mktemp("work") / "banks", monkeypatch)
        monkeypatch.setattr("pipelines.promotion.keep_page", lambda *page: None)
        parts = small.parts
        midnight = parts.moment(None)
        inputs = model_inputs(parts.bank.features, parts.bank.models.training.exclude)
        parts.repository.apply(parts.bank.features, {"churn": inputs, "propensity": inputs})
        decide_night(parts, midnight)
        changes = ("models.propensity.learner=rates", "models.training.folds=2")
        train_propensity_model.fn("", str(small.folder), midnight, "blind", changes)
        yield small
        parts.database.close()


@pytest.fixture(scope="module")
def bank(small: SmallBank) -> Iterator[Bank]:
    bank = open_bank(small.folder)
    yield bank
    bank._parts.database.close()


@pytest.fixture(scope="module")
def today(bank: Bank) -> pd.DataFrame:
    return bank.features()


def test_the_guide_does_what_it_shows(small: SmallBank, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small.folder.parent.parent)
    Path("examples").symlink_to(ROOT / "examples")
    shown, names = blocks(GUIDE, "python"), dict[str, object]()
    assert len(shown) >= 9
    for block in shown:
        exec(compile(block, GUIDE.name, "exec"), names)  # what people type
    assert isinstance(names["bank"], Bank)
    names["bank"]._parts.database.close()


def test_everything_the_guide_lists_is_there_and_nothing_else(bank: Bank) -> None:
    listed = {line.split("`")[1].partition("(")[0] for line in GUIDE.read_text().splitlines() if "| `bank." in line}
    both = "| `bank.name`, `bank.latest` |"
    assert both in GUIDE.read_text()
    assert {*listed, "bank.latest"} == {f"bank.{name}" for name in dir(bank) if not name.startswith("_")}


def test_everybodys_features_are_those_that_the_log_gives_at_the_same_moment(bank: Bank, today: pd.DataFrame) -> None:
    assert today["customer_id"].is_unique
    assert len(today) == bank._parts.log.customer_count
    some = today.sample(30, random_state=7).reset_index(drop=True)
    pd.testing.assert_frame_equal(bank.features(some[["customer_id", "as_of"]]), some)


def test_features_come_in_the_order_of_the_moments_and_of_the_names(bank: Bank, today: pd.DataFrame) -> None:
    names = ["savings_held", "stage"]
    asked = today[["customer_id"]].head(20).assign(as_of=bank.latest.replace(tzinfo=None), mine=1)
    asked = pd.concat([asked[::-1], asked.head(3)], ignore_index=True)
    found = bank.features(asked, names)
    assert list(found.columns) == ["customer_id", "as_of", *names]
    assert found["customer_id"].tolist() == asked["customer_id"].tolist()
    zone = bank._parts.bank.time_zone
    assert (found["as_of"] == pd.Timestamp(asked["as_of"][0], tz=zone)).all()
    assert found["stage"].dtype == "category"
    assert bank.features(asked.head(1), names).equals(found.head(1))


def test_a_frame_goes_back_to_the_very_features_it_came_from(bank: Bank, today: pd.DataFrame) -> None:
    schema = {name: kind for name, kind in bank._parts.bank.features.schema.items() if name in today.columns}
    assert len(set(map(type, schema.values()))) == 3
    table = table_of(today, schema)
    assert table.customer_ids.tolist() == today["customer_id"].tolist()
    pd.testing.assert_frame_equal(today[["customer_id", "as_of", *schema]], frame_of(table))


def test_the_catalogue_names_the_features_that_there_are(bank: Bank, today: pd.DataFrame) -> None:
    assert ["customer_id", "as_of", *bank.catalogue["name"]] == list(today.columns)
    assert set(bank.catalogue["kind"]) == {"number", "boolean", "category"}


def test_churn_rows_have_the_label_that_moments_of_ones_own_have(bank: Bank) -> None:
    rows = bank.training_set("churn", ["stage", "active_days_30d"])
    assert rows["churned"].dtype == "boolean"
    assert 20 < rows["churned"].sum() < len(rows)
    some = rows.sample(50, random_state=7)
    assert bank.churned(some).equals(some["churned"])
    pd.testing.assert_frame_equal(
        bank.features(some, ["stage", "active_days_30d"]), some.drop(columns="churned").reset_index(drop=True)
    )


def test_labels_are_missing_where_nobody_can_know_yet(bank: Bank, today: pd.DataFrame) -> None:
    moments = today[["customer_id"]].head(5).assign(as_of=bank.latest)
    assert bank.churned(moments).isna().all()
    early = moments.assign(as_of=bank.latest - timedelta(days=60))
    assert bank.churned(early).notna().all()


def test_propensity_rows_are_the_offers_that_were_presented_and_what_came_of_them(bank: Bank) -> None:
    rows = bank.training_set("propensity", ["stage"])
    answers = answers_to_offers(bank._parts, bank._built_until())
    assert rows["offer"].tolist() == answers.offer.tolist()
    assert rows["accepted"].isna().tolist() == (~answers.matured).tolist()
    assert rows["accepted"].sum() == (answers.accepted & answers.matured).sum() >= 20


def test_what_a_model_learns_from_has_all_that_it_reads(bank: Bank) -> None:
    for model in ("churn", "propensity"):
        assert set(bank.champion(model).features) <= set(bank.training_set(model).columns)


def test_events_are_those_of_the_log(bank: Bank) -> None:
    log = bank._parts.log
    whole = bank.events()
    assert whole.num_rows == log.count()
    customer = whole["customer_id"][0].as_py()
    assert bank.events(customers=[customer]).equals(log.read_customer(customer))
    logins = bank.events(types=["app_login"])
    assert logins.num_rows == pc.sum(pc.equal(whole["type"].cast("string"), "app_login")).as_py() > 0
    theirs = bank.events(types=["app_login"], customers=[customer])
    assert theirs.num_rows == pc.sum(pc.equal(logins["customer_id"], customer)).as_py()


def test_decisions_are_listed_with_what_they_were_made_by(bank: Bank) -> None:
    decided = bank.decisions()
    assert len(decided) > 100
    assert decided["as_of"].is_monotonic_increasing
    one = bank._parts.decision_log.get(decided["decision_id"][0])
    row = decided.iloc[0]
    assert (row["customer_id"], row["offer"], row["as_of"]) == (one.customer_id, one.offer, one.as_of)
    assert bank.decisions(until=one.as_of).empty
    local = one.as_of.astimezone(bank._parts.bank.time_zone).replace(tzinfo=None)
    assert bank.decisions(since=local).equals(decided)
    assert bank.decisions(since=local + timedelta(seconds=1)).empty


def test_a_champion_says_what_deciding_says(bank: Bank, today: pd.DataFrame) -> None:
    churn, propensity = bank.champion("churn"), bank.champion("propensity")
    some = today.head(7).set_index("customer_id", drop=False)
    said = churn.predict(some)
    likely = propensity.predict(some)
    assert said.index.equals(some.index)
    assert likely.columns.tolist() == [
        (offer.name, treatment.channel) for offer, treatment in candidates_of(bank._parts.bank.offers)
    ]
    parts, catalogue = bank._parts, bank._parts.bank.features
    decider = parts.decider()
    moments = Moments.at(some["customer_id"].tolist(), parts.midnight(bank.latest))
    events = parts.log.read_together(some["customer_id"].tolist())
    features = compute_features(
        events, moments, FeatureDefinitions(catalogue, parts.bank.journey, parts.calendar), decider.features
    )
    decided = decider.decide(features, DecisionContext(as_of=bank.latest, seed=7))
    assert said["churn_probability"].tolist() == decided.features.columns["churn_probability"].tolist()
    known = ~np.isnan(decided.scores.propensity)
    assert (likely.to_numpy()[known] == decided.scores.propensity[known]).all()
    assert known.any()
    assert decider.versions["demo-churn"] == churn.version


def test_a_champion_tells_how_far_it_can_be_believed(bank: Bank) -> None:
    champion = bank.champion("churn")
    bins = champion.reliability(bins=5)
    tested = champion.tested(bank.training_set("churn", ["stage"]))
    assert bins["rows"].sum() == len(tested) > 0
    assert tested["y"].tolist() == tested["churned"].astype(float).tolist()
    assert set(tested.columns) >= {"customer_id", "as_of", "stage", "fold", "model", "prevalence"}
    assert (bins["seen"].between(bins["seen_low"], bins["seen_high"])).all()
    assert bins["said"].is_monotonic_increasing
    highest = champion.reliability(bins=2, highest=0.1)
    assert highest["said"].min() > bins["said"].iloc[-2]
    assert "model" in set(champion.tables.scores["score"])
    assert champion.run_id in set(bank.experiments("churn")["run_id"])
    assert champion.trained_until == bank._built_until()


def test_offers_that_a_champion_was_tested_on_are_found_by_offer_and_channel(bank: Bank) -> None:
    champion = bank.champion("propensity")
    tested = champion.tested(bank.training_set("propensity", ["stage"]))
    assert len(tested) == champion.reliability()["rows"].sum() > 0
    assert tested["y"].tolist() == tested["accepted"].astype(float).tolist()


def test_training_data_of_moments_of_ones_own_have_features_and_label(bank: Bank, today: pd.DataFrame) -> None:
    moments = today[["customer_id"]].head(20).assign(as_of=bank.latest - timedelta(days=40))
    frame = bank.training_set("churn", ["stage"], moments)
    assert list(frame.columns) == ["customer_id", "as_of", "stage", "churned"]
    assert frame["churned"].tolist() == bank.churned(moments).tolist()
    assert frame["churned"].notna().all()
    with pytest.raises(NboError, match="only churn has a label at any moment"):
        bank.training_set("propensity", ["stage"], moments)


@pytest.mark.parametrize(("model", "label"), [("churn", "churned"), ("propensity", "accepted")])
def test_a_training_set_goes_to_parquet_in_one_command(bank: Bank, tmp_path: Path, model: str, label: str) -> None:
    file = tmp_path / f"{model}.parquet"
    said = write_labelled(bank._parts, model, None, file)
    written, expected = pd.read_parquet(file), bank.training_set(model)
    assert said["rows"] == len(expected) > 0
    assert written[label].tolist() == expected[label].tolist()
    with pytest.raises(NboError, match="exists"):
        write_labelled(bank._parts, model, None, file)


def test_a_time_that_the_clock_change_repeats_is_the_earlier_one(bank: Bank, tmp_path: Path) -> None:
    moments = tmp_path / "moments.csv"
    moments.write_text("customer_id,as_of\nc1,2025-10-26 02:30:00\n")
    write_labelled(bank._parts, "churn", moments, tmp_path / "labelled.parquet")
    frame = pd.read_parquet(tmp_path / "labelled.parquet")
    assert frame["as_of"][0] == pd.Timestamp("2025-10-26 00:30", tz="UTC")


def test_runs_are_shown_with_what_differs_and_compared_row_by_row(
    bank: Bank, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_experiments(bank._parts, "started", "propensity", None)
    shown = " ".join(capsys.readouterr().out.split())
    assert "blind (propensity) differs from the champion: " in shown
    assert "learner rates instead of hierarchical" in shown
    picture = tmp_path / "difference.svg"
    show_comparison(bank._parts, "propensity", ("champion", "blind"), picture)
    shown = capsys.readouterr().out
    assert "blind against champion (propensity)" in shown
    assert picture.read_text().startswith("<svg")
    with pytest.raises(NboError, match="no such run: got 'blnd', expected 'blind'"):
        show_comparison(bank._parts, "propensity", ("champion", "blnd"), None)


def test_an_experiment_is_never_in_charge(bank: Bank) -> None:
    runs = {run.name: run for run in list_runs(bank._parts.settings.tracking_uri, bank.name, "propensity")}
    assert runs["blind"].aliases == ("blind",)
    assert bank.champion("propensity").run_id != runs["blind"].run_id


def test_a_decision_that_is_tried_is_the_one_that_would_be_made_and_leaves_nothing(bank: Bank) -> None:
    customer = bank.decisions()["customer_id"][0]
    before = bank.decisions()
    moment = bank.latest
    answer = bank.decide(customer, "app")
    assert answer.origin is Origin.STATE
    assert bank.decisions().equals(before)
    kept = bank._parts.answer(customer, "app", moment)
    assert kept.decision == answer.decision
    assert len(bank.decisions()) == len(before) + 1


def test_a_change_is_tried_on_the_same_customers(bank: Bank) -> None:
    tables = bank.what_if(ROOT / "examples" / "savings_autumn.yaml", sample=50)
    overview = tables["overview"].set_index("measure")
    assert overview.loc["customers", "today"] == overview.loc["customers", "changed"] == 50
    assert set(tables) == {
        "overview", "channels", "budgets", "prices", "offers", "stages", "moves", "rules", "factors", "fairness",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda bank: bank.champion("churm"), "no such model: got 'churm', expected 'churn'"),
        (lambda bank: bank.training_set("uplift"), "no such model"),
        (lambda bank: bank.experiments("uplift"), "no such model"),
        (lambda bank: bank.features(names=["stag"]), "no such feature: got 'stag', expected 'stage'"),
        (lambda bank: bank.training_set("churn", ["stag"]), "no such feature"),
        (lambda bank: bank.events(types=["app_logon"]), "no such event type: got 'app_logon', expected 'app_login'"),
        (lambda bank: bank.features(pd.DataFrame({"customer_id": ["c1"]})), "the frame cannot be read.*as_of"),
        (lambda bank: bank.churned(pd.DataFrame({"customer_id": ["c1"], "as_of": ["soon"]})), "row 1: as_of 'soon'"),
        (lambda bank: bank.champion("churn").predict(pd.DataFrame({"customer_id": []})), "the frame lacks"),
        (lambda bank: bank.decide("c1", "fax"), "no such channel"),
    ],
)
def test_what_cannot_be_is_told_with_what_could(bank: Bank, ask: object, said: str) -> None:
    with pytest.raises(NboError, match=said):
        ask(bank)  # type: ignore[operator]


def test_a_bank_that_has_not_been_run_says_so(tmp_path: Path) -> None:
    small = SmallBank.write(tmp_path, customers=10, months=2)
    with same_environment():
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path / 'mlflow.db'}"
        bank = open_bank(small.folder, home=small.home)
        for ask in (bank.features, lambda: bank.training_set("churn"), lambda: bank.champion("churn")):
            with pytest.raises(NboError, match=r"is empty|have not been built yet|has no churn champion"):
                ask()


def test_banks_of_several_homes_are_open_side_by_side(tmp_path: Path) -> None:
    small = SmallBank.write(tmp_path, customers=10, months=2)
    with same_environment():
        for name in ("NBO_HOME", "MLFLOW_TRACKING_URI"):
            del os.environ[name]
        os.environ["NBO_HOME"] = str(tmp_path / "users")
        first = open_bank(small.folder, home=tmp_path / "first")
        second = open_bank(small.folder, home=tmp_path / "second")
        users = open_bank(small.folder)
        for bank, name in ((first, "first"), (second, "second"), (users, "users")):
            settings = bank._parts.settings
            assert settings.home == tmp_path / name
            assert settings.tracking_uri == f"sqlite:///{tmp_path / name / 'mlflow' / 'mlflow.db'}"
        assert os.environ["NBO_HOME"] == str(tmp_path / "users")


def run(code: str, **environment: str) -> str:
    """Run code in a process that nothing has prepared, as if no continuous integration ran it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_importing_the_names_loads_none_of_the_libraries() -> None:
    heavy = ("numpy", "pandas", "pyarrow", "sqlalchemy", "mlflow", "feast", "prefect", "lightgbm", "config.bank")
    code = f"import sys, nbo.api; print([name for name in {heavy} if name in sys.modules])"
    assert run(code) == "[]\n"


@contextmanager
def counting_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that lets nothing through and notes what was asked of it."""
    asked: list[bytes] = []
    with create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(4096))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(2)
    thread.join(timeout=10)


@pytest.mark.parametrize("opened", [True, False], ids=["a bank is opened", "no bank is opened"])
def test_mlflow_sends_nothing_once_a_bank_is_open_though_it_was_imported_before(tmp_path: Path, opened: bool) -> None:
    small = SmallBank.write(tmp_path, customers=10, months=2)
    opening = f"from nbo.api import open_bank; open_bank({str(small.folder)!r}, home={str(small.home)!r})\n"
    code = (
        "import mlflow, mlflow.telemetry\n"
        f"{opening if opened else ''}"
        f"mlflow.set_tracking_uri('sqlite:///{tmp_path / 'mine.db'}')\n"
        "mlflow.create_experiment('mine')\n"
        "client = mlflow.telemetry.get_telemetry_client()\n"
        "print('off' if client is None else 'on')\n"
        "if client is not None: client._config_thread.join()\n"
    )
    with counting_proxy() as (proxy, asked):
        said = run(code, HTTPS_PROXY=proxy, HTTP_PROXY=proxy)
    assert said.splitlines()[-1] == ("off" if opened else "on")
    assert bool(asked) is not opened
