"""The whole loop on a small bank: what it leaves, that it does nothing twice, and that one answer equals the batch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, select

from decisioning.engine import DecisionContext
from domain.errors import DataError
from domain.event import Event
from events.schema import table_of
from events.vocabulary import ATTRIBUTES_TYPE
from features.bucket import build
from models.propensity.choice import FORMS
from nbo.outcomes import show_models
from pipelines.deciding import decide_for_everybody
from pipelines.delivering import deliver_contacts
from pipelines.feature_build import build_features
from pipelines.report_page import stand_ins
from pipelines.reuse import reused_sentence
from pipelines.run_bank import run_bank
from pipelines.what_if import simulate_policy
from records.decision_writes import UNIT
from records.event_rows import microseconds
from records.schema import CHARGES, CUSTOMERS, OUTBOX, PENDING, PLANNED
from serving.batch.budget_state import prices_in_force
from serving.batch.contacts import CONTACTS
from serving.customer import Answer, decide_for_customer
from serving.customer_features import CustomerReader, Origin
from serving.delivery.states import State
from serving.figures.files import DAILY_RESPONSES, read_effects, read_trials
from serving.service.deciding import SEED
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from serving.watching.alarms import read_health
from tests.pipelines.small_bank import SmallBank, apart_from_reuse, written_again

OFFLINE, DECIDED = "feature_store/parts", "decisions"


@dataclass(frozen=True)
class Loop:
    """A bank after its loop has run, and what the runs said."""

    bank: SmallBank
    first: dict[str, Any]
    second: dict[str, Any]

    def again(self) -> dict[str, Any]:
        result: dict[str, Any] = run_bank(str(self.bank.folder))
        return result

    def runs(self) -> int:
        """Count trainings; the runs of their folds are their children."""
        client = self.bank.parts.models.store.client
        found = client.search_runs([found.experiment_id for found in client.search_experiments()])
        return sum("mlflow.parentRunId" not in run.data.tags for run in found)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    bank = SmallBank.write(tmp_path_factory.mktemp("whole"), customers=500, months=9)
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank.use(monkeypatch)
        # more than so small a bank has: the first run's models fail their gate
        bank.replace("models.yaml", "minimum_positives: 10,", "minimum_positives: 100_000,")
        first = run_bank(str(bank.folder))
        bank.promote_challengers()
        yield Loop(bank, first, run_bank(str(bank.folder)))


def contacts_of(folder: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(Path(folder) / CONTACTS).to_pylist()
    return rows


def offers_of(loop: Loop, folder: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(Path(folder) / "offers").to_pylist()
    return rows


def test_the_log_holds_every_row_that_was_accepted(loop: Loop) -> None:
    total = loop.first["import"]["files"][-1]
    assert loop.bank.parts.log.count() == loop.first["import"]["events"] == total["accepted"] > 10_000
    assert total["rows"] == total["accepted"] + total["duplicates"] + total["skipped"] + total["quarantined"]


def test_every_customer_has_a_state_online_and_a_part_offline(loop: Loop) -> None:
    parts = loop.bank.parts
    features = loop.first["features"]
    assert features["customers"] == features["online"] == parts.log.customer_count
    assert (
        sum(pq.read_metadata(file).num_rows for file in parts.repository.parts.rglob("*.parquet")) == features["rows"]
    )
    assert parts.repository.feature_service("churn").name == "churn"


def test_training_gives_both_models_and_champions_are_in_charge(loop: Loop) -> None:
    assert set(loop.first["models"]) == {"churn", "propensity"}
    for name in ("churn", "propensity"):
        champion = loop.bank.parts.models.champion(name)
        assert champion is not None
        assert champion.version == loop.first["models"][name]["version"] == "1"


def test_run_report_and_command_line_say_how_each_model_was_made(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(loop.second["markdown"]).read_text()
    show_models(loop.second["models"])
    shown = capsys.readouterr().out
    for name, forms in (("churn", ("trees on BG/NBD", "trees")), ("propensity", FORMS)):
        model = loop.second["models"][name]
        run = loop.bank.parts.models.store.client.get_run(model["run_id"])
        assert run.data.params["form"] == model["form"]
        assert model["form"].split(",")[0].split(":")[0] in forms
        assert f"Form: {model['form']}." in page
        assert f"form: {model['form']}" in shown


def test_until_a_propensity_model_has_passed_its_gate_acceptance_rates_decide_and_the_run_says_so(loop: Loop) -> None:
    decisions = loop.first["decisions"]
    assert not loop.first["models"]["propensity"]["champion"]
    assert decisions["models"]["small-propensity"].startswith("rates-1:")
    rows = [row for row in offers_of(loop, decisions["folder"]) if row["propensity"] is not None]
    everybody = next(row for row in decisions["stages"] if row["stage"] == "all")
    assert everybody["with_offer"] > everybody["customers"] / 2
    # an offer in a channel is as likely for everybody at the same stage, and not for all stages alike
    rates = {(row["stage"], row["offer"], row["channel"], row["propensity"]) for row in rows}
    assert len(rates) == len({rate[:3] for rate in rates}) > len({rate[1:3] for rate in rates})
    assert all(0 < rate[3] < 1 for rate in rates)
    assert len(stand_ins(decisions)) == 1
    assert stand_ins(loop.second["decisions"]) == []
    assert loop.second["decisions"]["models"]["small-propensity"].startswith("1:")


def test_decisions_are_parquet_files_whose_rows_are_those_counted(loop: Loop) -> None:
    decisions = loop.second["decisions"]
    rows = offers_of(loop, decisions["folder"])
    assert len(rows) == decisions["offers"] > 0
    assert len({row["decision_id"] for row in rows}) == decisions["decisions"]
    everybody = next(row for row in decisions["stages"] if row["stage"] == "all")
    assert everybody["customers"] == decisions["customers"] == loop.bank.parts.log.customer_count


def test_what_contacts_have_of_the_nights_charge_is_all_of_it(loop: Loop) -> None:
    used = {row["name"]: row["used"] for row in loop.second["decisions"]["plan"]["budgets"]}
    contacts = pq.read_table(Path(loop.second["decisions"]["folder"]) / CONTACTS)
    with loop.bank.parts.database.reading() as connection:
        parts = connection.execute(select(PLANNED)).all()
        whole = dict(connection.execute(select(CHARGES.c.budget, CHARGES.c.amount)).tuples().all())
    assert {part.decision_id for part in parts} <= set(contacts["decision_id"].to_pylist())
    assert sum(1 for amount in used.values() if amount > 0) >= 3
    for budget, amount in used.items():
        mine = [part.amount for part in parts if part.budget == budget]
        # each is rounded down, all together up
        assert 0 <= whole[budget] - sum(mine) <= len(mine) + 1
        assert whole[budget] == pytest.approx(amount * UNIT, abs=1.0)


def test_whoever_was_contacted_since_is_not_contacted_again_tonight(loop: Loop) -> None:
    parts = loop.bank.parts
    planned = contacts_of(loop.second["decisions"]["folder"])
    [email, *_] = [row for row in planned if row["channel"] == "email"]
    [call, *_] = [row for row in planned if row["channel"] == "call_centre"]
    reader = CustomerReader(parts.bank, parts.log, None, parts.journal)
    until = datetime.fromisoformat(loop.second["decisions"]["as_of"])
    with parts.database.transaction() as connection:
        # as the service keeps a contact that it decided an hour before midnight, and that nobody has presented yet
        for row in (email, call):
            contact = {name: row[name] for name in ("customer_id", "channel", "offer")}
            contact |= {"decision_id": f"s {row['channel']}", "product": None}
            contact |= {"decided_at": microseconds(until - timedelta(hours=1))}
            connection.execute(parts.database.add(CUSTOMERS), {"customer_id": row["customer_id"], "version": 1})
            connection.execute(parts.database.add(PENDING), contact)
    try:
        again: dict[str, Any] = decide_for_everybody(str(loop.bank.folder))
        assert again["folder"] != loop.second["decisions"]["folder"]
        made = {(row["customer_id"], row["channel"]) for row in contacts_of(again["folder"])}
        assert made
        assert not {(row["customer_id"], row["channel"]) for row in (email, call)} & made
        for row in (email, call):
            theirs = [one for one in offers_of(loop, again["folder"]) if one["customer_id"] == row["customer_id"]]
            assert row["channel"] not in {one["channel"] for one in theirs}
            # the service says the same of them
            features = reader.read(row["customer_id"], until + timedelta(microseconds=1)).features
            decided = parts.decider().decide(
                features, DecisionContext(as_of=until, seed=SEED, channels=[row["channel"]])
            )
            assert not decided.allowed[0, decided.policy.candidates.by_channel[row["channel"]]].any()
        # of everybody else the same is decided
        others = [
            {(one["customer_id"], one["channel"], one["offer"]) for one in offers_of(loop, folder)}
            for folder in (loop.second["decisions"]["folder"], again["folder"])
        ]
        changed = {customer for customer, *_ in others[0] ^ others[1]}
        assert changed == {email["customer_id"], call["customer_id"]}
    finally:
        with parts.database.transaction() as connection:
            connection.execute(delete(PENDING))


def test_the_report_shows_its_pictures(loop: Loop) -> None:
    report = Path(loop.second["markdown"])
    shown = [line.split("(")[1].rstrip(")") for line in report.read_text().splitlines() if line.startswith("![")]
    assert len(shown) >= 6
    assert all((report.parent / picture).stat().st_size > 1_000 for picture in shown)


def test_the_page_for_people_is_one_small_file_that_fetches_nothing_and_is_attached_to_the_runs(loop: Loop) -> None:
    report = Path(loop.second["report"])
    page = report.read_text()
    assert report.suffix == ".html"
    assert report.stat().st_size < 3_000_000
    assert not re.findall(r"<script|<link|@import|url\(|(?:src|href)=\"(?!data:|#)", page)
    assert {f'<h2 id="{name}"' in page for name in ("decisions", "models", "stages", "experience")} == {True}
    client = loop.bank.parts.models.store.client
    for model in loop.second["models"].values():
        assert "report.html" in [item.path for item in client.list_artifacts(model["run_id"])]


def test_the_journey_figures_are_computed_once(loop: Loop) -> None:
    journeys = loop.bank.parts.places.journeys
    before = {file: file.stat().st_mtime_ns for file in journeys.rglob("*.parquet")}
    assert apart_from_reuse(loop.second["journeys"]) == apart_from_reuse(loop.first["journeys"])
    assert len(before) == len(loop.second["journeys"]["rows"])
    loop.again()
    assert {file: file.stat().st_mtime_ns for file in journeys.rglob("*.parquet")} == before


def test_the_report_tells_which_number_decides_and_how_much_choice_there_is(loop: Loop) -> None:
    page = Path(loop.second["markdown"]).read_text()
    assert "| without | customers | other_best_offer | share |" in page
    assert "| stage | customers | none | one | two_or_more | mean_offers |" in page
    assert "| offer | reached | all |" in page
    whole = next(row for row in loop.second["decisions"]["optionality"] if row["grouping"] == "all")
    assert whole["none"] + whole["one"] + whole["two_or_more"] == pytest.approx(1.0)


def test_what_the_run_said_is_kept_as_it_was_said(loop: Loop) -> None:
    kept = apart_from_reuse(json.loads(loop.bank.parts.places.last_run.read_text()))  # the latest run's
    said = apart_from_reuse(json.loads(json.dumps(loop.second)))
    assert {name: kept[name] for name in ("bank", "features", "models", "decisions")} == {
        name: said[name] for name in ("bank", "features", "models", "decisions")
    }
    assert Path(kept["decisions"]["folder"]).is_dir()


def test_what_the_run_measured_and_read_is_kept_for_the_console(loop: Loop) -> None:
    figures = loop.bank.parts.places.figures
    assert read_effects(figures)["currency"] == "EUR"
    assert read_trials(figures)["trials"] == []
    health = read_health(figures)
    assert health.as_of is not None
    assert {one.check for one in health.readings} >= {"stale_hours", "drift", "impressions"}


def test_running_again_does_no_step_again(loop: Loop) -> None:
    kept = (OFFLINE, DECIDED, "stage_history", "sources", "log", "figures")
    before, runs = loop.bank.stamps(*kept), loop.runs()
    result = loop.again()
    assert loop.bank.stamps(*kept) == before
    assert loop.runs() == runs
    assert {name: apart_from_reuse(result[name]) for name in ("features", "models", "decisions")} == {
        name: apart_from_reuse(loop.second[name]) for name in ("features", "models", "decisions")
    }
    models = ", ".join(f"{name} model" for name in result["models"])
    assert reused_sentence(result) == f"reused from earlier runs: features, decisions, journey figures, {models}"


def test_figures_that_are_gone_are_counted_again(loop: Loop) -> None:
    file = loop.bank.parts.places.figures / DAILY_RESPONSES
    before = file.read_bytes()
    file.unlink()
    loop.again()
    assert file.read_bytes() == before


def test_the_first_run_says_that_it_reused_nothing(loop: Loop) -> None:
    assert reused_sentence(loop.first) == "reused from earlier runs: nothing"


def test_a_challenger_that_failed_its_gate_is_not_trained_again(loop: Loop) -> None:
    assert apart_from_reuse(loop.second["models"]) == apart_from_reuse(loop.first["models"])
    assert loop.runs() == 2


def test_a_part_that_is_gone_is_made_again_and_no_other(loop: Loop) -> None:
    before = loop.bank.stamps(OFFLINE, DECIDED)
    features = next(loop.bank.parts.repository.parts.rglob("*003*"))
    offers = next(Path(loop.second["decisions"]["folder"]).rglob("offers/*005*"))
    content = {file.name: file.read_bytes() for file in offers.parent.iterdir()}
    features.unlink()
    offers.unlink()
    result = loop.again()
    buckets = result["features"]["buckets"]
    one_anew = f"{buckets - 1} of {buckets} buckets"
    assert reused_sentence(result).startswith(
        f"reused from earlier runs: features of {one_anew}, decisions of {one_anew}, journey figures"
    )
    after = loop.bank.stamps(OFFLINE, DECIDED)
    assert after.keys() == before.keys()
    assert written_again(before, after, OFFLINE) == {3}
    assert written_again(before, after, DECIDED) == {5}
    assert {file.name: file.read_bytes() for file in offers.parent.iterdir()} == content


def test_a_flow_that_dies_in_the_middle_goes_on_from_there(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = loop.bank.stamps(OFFLINE)
    for file in loop.bank.parts.repository.parts.rglob("*.parquet"):
        file.unlink()
    compute, calls = build.compute_states, []

    def dies_at_the_sixth(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) >= 6:
            raise DataError("the sixth bucket is damaged")
        return compute(*arguments)

    with monkeypatch.context() as dying:
        dying.setattr(build, "compute_states", dies_at_the_sixth)
        with pytest.raises(DataError, match="the sixth bucket"):
            build_features(str(loop.bank.folder))
    done = loop.bank.stamps(OFFLINE)
    assert written_again({}, done) == {0, 1, 2, 3, 4}
    result = build_features(str(loop.bank.folder))
    assert apart_from_reuse(result) == apart_from_reuse(loop.second["features"])
    assert result["reused"] == 5
    after = loop.bank.stamps(OFFLINE)
    assert after.keys() == before.keys()
    assert {name: after[name] for name in done} == done, "what was done before is not done again"


def test_the_value_of_an_offer_makes_decisions_anew_but_no_features(loop: Loop) -> None:
    before = loop.bank.stamps(OFFLINE, "stage_history", "sources")
    old = {row["decision_id"]: row for row in offers_of(loop, loop.second["decisions"]["folder"])}
    loop.bank.replace("offers.yaml", 'value: "25"', 'value: "250"')
    try:
        result = loop.again()
        assert loop.bank.stamps(OFFLINE, "stage_history", "sources") == before
        assert result["decisions"]["folder"] != loop.second["decisions"]["folder"]
        new = offers_of(loop, result["decisions"]["folder"])
        assert {row["value"] for row in new if row["offer"] == "savings_goal"} == {250.0}
        assert {row["value"] for row in old.values() if row["offer"] == "savings_goal"} == {25.0}
    finally:
        loop.bank.replace("offers.yaml", 'value: "250"', 'value: "25"')
    assert apart_from_reuse(decide_for_everybody(str(loop.bank.folder))) == apart_from_reuse(
        loop.second["decisions"]
    ), "what was there before the change is taken as it is"


def test_a_changed_feature_makes_features_anew(loop: Loop) -> None:
    before = loop.bank.stamps(OFFLINE)
    text = (loop.bank.folder / "features.yaml").read_text()
    loop.bank.append(
        "features.yaml",
        '  - {name: decades, expression: "age / 10", unit: decades, topic: profile, description: Age in decades}\n',
    )
    try:
        result = build_features(str(loop.bank.folder))
        assert result["features"] == loop.second["features"]["features"] + 1
        assert written_again(before, loop.bank.stamps(OFFLINE)) == set(range(16))
    finally:
        (loop.bank.folder / "features.yaml").write_text(text)
    assert apart_from_reuse(build_features(str(loop.bank.folder))) == apart_from_reuse(loop.second["features"])


def sampled(loop: Loop, count: int) -> list[str]:
    """Customers with offers, and some without."""
    rows = offers_of(loop, loop.second["decisions"]["folder"])
    offered = sorted({row["customer_id"] for row in rows})
    everybody = sorted({row["customer_id"] for row in loop.bank.parts.log.read_bucket(0, ["customer_id"]).to_pylist()})
    return [*offered[:: max(1, len(offered) // count)], *[name for name in everybody if name not in offered][:3]]


def test_one_answer_at_midnight_is_the_one_of_the_batch(loop: Loop) -> None:
    parts = loop.bank.parts
    until = datetime.fromisoformat(loop.second["decisions"]["as_of"])
    rows = offers_of(loop, loop.second["decisions"]["folder"])
    reader = CustomerReader(parts.bank, parts.log, parts.online, parts.journal)
    engine = LiveEngine(parts.decider(), reader, prices_in_force(parts.places.decisions, parts.policy))
    for customer in sampled(loop, 8):
        for channel in parts.policy.channels:
            # without the database, which has charged budgets for the run's plan since
            answer = decide_for_customer(DecisionRequest(customer_id=customer, channel=channel), until, engine)
            batch = [row for row in rows if (row["customer_id"], row["channel"]) == (customer, channel)]
            assert answer.origin is Origin.STATE
            if channel in parts.policy.outbound:
                # whoever asks sends at once, and not at the channel's hour: that is another decision
                assert answer.decision.decision_id not in {row["decision_id"] for row in batch}
                prices = engine.paced.now({}, until)
                planned = DecisionContext(as_of=until, seed=SEED, channels=[channel], prices=prices)
                decisions = engine.decider.decide(reader.read(customer, until).features, planned)
                answer = replace(answer, decision=engine.decider.record(decisions, 0, channel))
            assert [
                (answer.decision.decision_id, offer.rank, offer.offer, offer.propensity, offer.value, offer.priority)
                for offer in answer.decision.offers
            ] == [
                (row["decision_id"], row["rank"], row["offer"], row["propensity"], row["value"], row["priority"])
                for row in sorted(batch, key=lambda row: row["rank"])
            ]


def test_one_answer_later_in_the_day_needs_no_state(loop: Loop) -> None:
    parts = loop.bank.parts
    later = datetime.fromisoformat(loop.second["decisions"]["as_of"]) + timedelta(hours=15, minutes=7)
    prices = prices_in_force(parts.places.decisions, parts.policy)
    from_log = LiveEngine(parts.decider(), CustomerReader(parts.bank, parts.log, None), prices)
    for customer in sampled(loop, 8):
        asked = DecisionRequest(customer_id=customer, channel="app", dry_run=True)
        alone = decide_for_customer(asked, later, from_log, parts.database)  # first: the other claims budgets
        from_state = parts.answer(customer, "app", later)
        assert (from_state.origin, alone.origin) == (Origin.STATE, Origin.LOG)
        assert from_state.decision == alone.decision
        assert from_state.reasons == alone.reasons


def test_an_unknown_channel_is_told_with_the_nearest(loop: Loop) -> None:
    with pytest.raises(DataError, match="'app' \\(did you mean it"):
        loop.bank.parts.answer("c000001", "apps", datetime(2025, 9, 1, tzinfo=UTC))


def changed(loop: Loop, text: str, **asked: Any) -> dict[str, Any]:
    change = loop.bank.home.parent / "change.yaml"
    change.write_text(text)
    result: dict[str, Any] = simulate_policy(loop.bank.parts, change, **asked)
    return result


def differences(result: dict[str, Any]) -> set[float]:
    rows = [row for rows in result.values() if isinstance(rows, list) for row in rows if isinstance(row, dict)]
    return {row[name] for row in rows for name in row if name.endswith("difference")}


def test_simulating_no_change_gives_todays_results_exactly(loop: Loop) -> None:
    before = loop.bank.stamps(OFFLINE, DECIDED)
    result = changed(loop, "{}")
    measures = {row["measure"]: row["today"] for row in result["overview"]}
    decided = loop.second["decisions"]
    assert differences(result) == {0}
    assert (result["same"], result["moves"]) == (True, [])
    assert measures["customers"] == decided["customers"]
    assert (measures["decisions with an offer"], measures["offers ranked"]) == (decided["decisions"], decided["offers"])
    assert {row["without"]: row["other_best_offer_changed"] for row in result["factors"]} == {
        row["dropped"]: row["share"] for row in decided["winners"] if row["channel"] == "all"
    }
    assert loop.bank.stamps(OFFLINE, DECIDED) == before, "nothing is kept"


def test_a_simulated_change_is_what_comes_when_it_is_made(loop: Loop, tmp_path: Path) -> None:
    result = changed(loop, 'offers: [{name: savings_goal, value: "250"}]', folder=tmp_path / "what_if")
    loop.bank.replace("offers.yaml", 'value: "25"', 'value: "250"')
    try:
        made = decide_for_everybody(str(loop.bank.folder))
    finally:
        loop.bank.replace("offers.yaml", 'value: "250"', 'value: "25"')

    def first(folder: str) -> dict[tuple[str, str], str]:
        rows = offers_of(loop, folder)
        return {(row["customer_id"], row["channel"]): row["offer"] for row in rows if row["rank"] == 1}

    was, is_ = first(loop.second["decisions"]["folder"]), first(made["folder"])
    moved = pq.read_table(tmp_path / "what_if" / "moved_offers.parquet").to_pylist()
    assert {(row["customer_id"], row["channel"]): (row["was"], row["is"]) for row in moved} == {
        place: (was.get(place, "nothing"), is_.get(place, "nothing"))
        for place in {*was, *is_}
        if was.get(place) != is_.get(place)
    }
    assert moved
    assert sum(row["decisions"] for row in result["moves"]) == len(moved)
    assert "# small with change.yaml" in (tmp_path / "what_if" / "what_if.md").read_text()


def test_a_limit_that_only_the_change_has_is_counted_from_the_log(loop: Loop) -> None:
    text = "policies: {contact_limits: [{name: once, per: channel, channels: [email], at_most: 1, days: 365}]}"
    result = changed(loop, text)
    [row] = [row for row in result["rules"] if row["rule"] == "once"]
    assert row["rejected_changed"] > 0
    again = changed(loop, text.replace("at_most: 1", "at_most: 1000"))
    assert {row["decisions"] for row in again["moves"]} == set()


def test_a_limit_of_the_same_name_that_counts_something_else_is_counted_anew(loop: Loop) -> None:
    weekly = changed(loop, "policies: {contact_limits: [{name: email_weekly, of: accepted}]}")
    [row] = [row for row in weekly["rules"] if row["rule"] == "email_weekly"]
    assert row["rejected_difference"] <= 0
    assert row["rejected_changed"] < row["rejected_today"] or not row["rejected_today"]


def test_a_sample_is_stable_and_holds_the_smaller_ones(loop: Loop, tmp_path: Path) -> None:
    text = 'offers: [{name: savings_goal, value: "250"}]'
    small, again, large = (
        changed(loop, text, sample=sample, folder=tmp_path / name)
        for name, sample in (("small", 60), ("again", 60), ("large", 240))
    )
    counts = [
        next(row["today"] for row in result["overview"] if row["measure"] == "customers") for result in (small, large)
    ]
    assert counts == [60, 240]
    assert small["moves"] == again["moves"]
    some, more = (
        set(pq.read_table(tmp_path / name / "moved_offers.parquet")["customer_id"].to_pylist())
        for name in ("small", "large")
    )
    assert some < more


# From here on the log grows: what comes above compares with the runs of the fixture.


def test_a_complaint_and_a_withdrawn_consent_count_before_any_batch(loop: Loop) -> None:
    parts = loop.bank.parts
    midnight = datetime.fromisoformat(loop.second["decisions"]["as_of"])
    now = midnight + timedelta(hours=12)
    batch = offers_of(loop, loop.second["decisions"]["folder"])
    complaining, withdrawing = sorted({row["customer_id"] for row in batch if row["channel"] == "email"})[:2]
    at = now - timedelta(minutes=5)
    told = [
        news("news-1", complaining, at, "complaint_opened"),
        news("news-2", withdrawing, at, ATTRIBUTES_TYPE, consent_email="false"),
    ]
    assert parts.log.append(table_of(told)).accepted == 2
    complained, withdrawn = parts.answer(complaining, "email", now), parts.answer(withdrawing, "email", now)
    assert "complaint_first" in rejected_by(complained)
    service = {offer.name for offer in parts.bank.offers if "service" in offer.tags}
    assert {offer.offer for offer in complained.decision.offers} <= service
    assert "consent_email" in rejected_by(withdrawn)
    assert not withdrawn.decision.offers


def test_news_make_only_their_own_bucket_anew(loop: Loop) -> None:
    until = datetime.fromisoformat(loop.second["features"]["as_of"])
    build_features(str(loop.bank.folder), until)
    before, log = loop.bank.stamps(OFFLINE), loop.bank.parts.log
    customer = log.read_bucket(7, ["customer_id"])["customer_id"][0].as_py()
    log.append(table_of([news("news-3", customer, until + timedelta(hours=30), "app_login")]))
    build_features(str(loop.bank.folder), until)
    assert written_again(before, loop.bank.stamps(OFFLINE)) == {7}


def news(event_id: str, customer: str, at: datetime, kind: str, **properties: str) -> Event:
    return Event(
        event_id=event_id, customer_id=customer, occurred_at=at, available_at=at, type=kind, properties=properties
    )


def rejected_by(answer: Answer) -> set[str]:
    return {
        verdict.rule
        for candidate in answer.decision.candidates
        if candidate.channel == answer.decision.channel
        for verdict in candidate.verdicts
        if not verdict.passed
    }


def test_a_night_decided_four_times_with_deliveries_between_keeps_to_its_budgets(loop: Loop) -> None:
    folder, parts = loop.bank.folder, loop.bank.parts
    channels = ("email", "push", "call_centre")
    (folder / "delivery.yaml").write_text(
        "channels:\n"
        + "".join(f"  - {{channel: {name}, file: {{folder: {name}, format: jsonl}}}}\n" for name in channels)
    )
    loop.bank.replace("budgets.yaml", "amount: 60,", "amount: 8,")
    until = datetime.fromisoformat(decide_for_everybody(str(folder))["as_of"])
    lever, runs = "factor: 1.2, offers: [savings_plus]", set()
    for hours, factor in ((9.5, 0.3), (10.1, 2.0), (17.1, 1.0), (18.0, None)):
        deliver_contacts(str(folder), until + timedelta(hours=hours))
        if factor is not None:
            loop.bank.replace("policies.yaml", lever, lever := f"factor: {factor}, offers: [savings_plus]")
            runs.add(decide_for_everybody(str(folder))["folder"])
    assert len(runs) == 3
    files = parts.places.deliveries.rglob(f"*-{until:%Y-%m-%d}.jsonl")
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(lines) == len({line["customer_id"] for line in lines}) > 20
    with parts.database.reading() as connection:
        planned = connection.execute(select(PLANNED)).all()
        charged = dict(connection.execute(select(CHARGES.c.budget, CHARGES.c.amount)).tuples().all())
        waiting = (
            connection.execute(select(OUTBOX.c.decision_id).where(OUTBOX.c.state == State.WAITING)).scalars().all()
        )
    counting = {line["decision_id"] for line in lines} | set(waiting)
    for budget, amount in charged.items():
        mine = [row.amount for row in planned if row.budget == budget and row.decision_id in counting]
        assert sum(mine) <= amount <= sum(mine) + 3 * len(planned), budget
