"""Every kind of mistake across files is reported with its line and the nearest valid name."""

from pathlib import Path

import pytest

from tests.config.folders import Folder, line_of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


OUTBOUND = "outbound: {push: 9}\nrules:"
POPULATION = "stage <> 'lost' AND days_since_activity <= 45"
MISTAKES = [
    (
        "bank.yaml",
        "Europe/Amsterdam",
        "Europe/Amsterdm",
        "unknown time zone: got 'Europe/Amsterdm', expected 'Europe/A",
    ),
    ("bank.yaml", "Europe/Amsterdam", "../../etc", "unknown time zone"),
    (
        "policies.yaml",
        "rules:",
        OUTBOUND,
        "customers are contacted without a consent condition: got 'push', expected a condition under "
        "`consent`, as push: consent_push; or state why none is needed: `without_consent: {push: ...}`",
    ),
    ("policies.yaml", "rules:", f"without_consent: {{push: ' '}}\n{OUTBOUND}", "no reason why the channel needs no"),
    ("policies.yaml", "rules:", "without_consent: {fax: law}\nrules:", "unknown channel: got 'fax'"),
    (
        "policies.yaml",
        "rules:",
        f"without_consent: {{push: law}}\nconsent: {{push: hardship}}\n{OUTBOUND}",
        "the channel is under both `consent` and `without_consent`: got 'push'",
    ),
    ("bank.yaml", "name: small", "name: My Bank", "not a name for a bank: got 'My Bank'"),
    ("bank.yaml", "currency: EUR", "currency: euro", "not a currency: got 'euro', expected three capitals such as"),
    (
        "bank.yaml",
        "description: As",
        "source_folder: ../up\ndescription: As",
        "not a folder below the data: got '../up'",
    ),
    ("events.yaml", "presented: offer_p", "presented: ofer_p", "got 'ofer_presented', expected 'offer_presented'"),
    ("events.yaml", "[app, push]", "[app, app]", "a channel is listed twice"),
    ("sources.yaml", "SAL: salary", "SAL: salery", "got 'salery', expected 'salary' (did you mean it?)"),
    ("features.yaml", "types: [salary]", "types: [salery]", "got 'salery', expected 'salary' (did you mean it?)"),
    (
        "features.yaml",
        "windows_days: [90]",
        "windows_days: [0]",
        "an impossible window: got 0, expected 1 to 3650 days",
    ),
    ("features.yaml", "as_of_year - birth_year", "as_of_year - birth_yer", "got 'birth_yer', expected 'birth_year'"),
    ("features.yaml", "as_of_year - birth_year", "as_of_year - region", "not a number"),
    ("journey.yaml", "activity_trend", "activty_trend", "unknown name: got 'activty_trend', expected 'activity_tr"),
    ("journey.yaml", "days_since_activity > 45", "days_since_activity", "not a condition"),
    ("journey.yaml", "minimum_days: 14", "minimum_days: -1", "dormant: minimum stay out of range: got -1 days"),
    ("journey.yaml", "every_days: 7", "every_days: 0", "interval out of range: got 0 days, expected 1 to 366 days"),
    ("journey.yaml", "stage: mature", "stage: growth", "duplicate condition for growth"),
    ("journey.yaml", "{product}_held", "{product}_hold", "unknown name: got 'savings_hold', expected 'savings_held'"),
    (
        "offers.yaml",
        "product: savings",
        "product: saving",
        "savings_plus: unknown product: got 'saving', expected 'sav",
    ),
    ("offers.yaml", "channel: push", "channel: pushh", "savings_plus: unknown channel: got 'pushh', expected 'push'"),
    ("offers.yaml", "name: savings_plus", "name: Savings Plus", "Savings Plus: not a name"),
    ("offers.yaml", "name: savings_goal", "name: savings_plus", "the offer is declared twice"),
    ("offers.yaml", "inflow_amount_90d", "inflow_amount_9d", "got 'inflow_amount_9d', expected 'inflow_amount_90d'"),
    ("offers.yaml", 'value: "25"', 'value: "hardship"', "expected a number"),
    ("offers.yaml", "stages: [dormant]", "stages: []", "serves no stage"),
    (
        "offers.yaml",
        "stages: [dormant]",
        "stages: [acquisition]",
        "savings_goal: no stage can reach it: got 'acquisitio",
    ),
    ("offers.yaml", "stages: [mature, dormant]", "stages: [mature, acquisition]", "no customer is ever in this st"),
    ("offers.yaml", "cost: 24", "response_window_days: 0", "window out of range: got 0 days"),
    ("offers.yaml", "cost: 24", "valid_until: 2025-01-01\n  valid_from: 2025-01-02", "the offer ends before it be"),
    (
        "offers.yaml",
        "cost: 24",
        "steps: [exit]",
        "no customer is ever at this step: got 'exit', expected one of holding",
    ),
    ("offers.yaml", "tags: [service]", "steps: [holding]", "steps need a product"),
    ("offers.yaml", "cost: 6.0", "cost: -6.0", "a contact cannot have a negative cost: got -6.0"),
    (
        "policies.yaml",
        "NOT family_held",
        "NOT family_hold",
        "got 'family_hold', expected 'family_held' (did you mean it",
    ),
    ("policies.yaml", 'require: "age >= 18"', 'require: "age >= "', "an expression cannot be read"),
    ("policies.yaml", "('medium', 'high')", "('medum', 'high')", "got 'medum', expected 'medium' (did you mean it?)"),
    ("policies.yaml", "offers: [savings_plus]", "offers: [saving_plus]", "got 'saving_plus', expected 'savings_pl"),
    ("policies.yaml", "holdout_share: 0.02", "holdout_share: 2", "expected between 0 and 1"),
    ("schedule.yaml", "decide:", "watch: every night\ndecide:", "schedule.yaml:2"),
    ("policies.yaml", "holdout_share: 0.02", "holdout_share: 0.02, household: home", "unknown attribute"),
    ("offers.yaml", "tags: [service]", "tags: [deferral]", "the holdout would go without relief"),
    ("offers.yaml", "tags: [service]", "offer_class: mandatory", "nobody has signed off that the offer is mandatory"),
    ("offers.yaml", "  cost: 24", "  counts_as: {types: [offer_accepted], value: 1}", "shown nothing cannot have"),
    ("offers.yaml", "  cost: 24", "  counts_as: {types: [app_login]}", "nothing says what its events are worth"),
    ("offers.yaml", "  cost: 24", "  counts_as: {types: [], value: 1}", "no event says whether it has worked"),
    ("offers.yaml", "  cost: 24", "  counts_as: {types: [app_login], value: 0}", "an outcome without worth"),
    (
        "offers.yaml",
        "  cost: 24",
        "  counts_as: {types: [app_login], value: 1, within_days: 0}",
        "expected 1 to 365 days",
    ),
    (
        "policies.yaml",
        "offers_per_channel",
        "offers_per_chanel",
        "unknown key: got 'offers_per_chanel', expected 'offers_",
    ),
    (
        "policies.yaml",
        "offers_per_channel: 3",
        "cold_start: {stag: growth}",
        "unknown feature: got 'stag', expected 'stage' (did you mean it?)",
    ),
    (
        "policies.yaml",
        "offers_per_channel: 3",
        "cold_start: {stage: growht}",
        "'stage' has an invalid value: got 'growht', expected 'growth' (did you mean it?)",
    ),
    (
        "policies.yaml",
        "offers_per_channel: 3",
        "cold_start: {age: [30]}",
        "wrong value of 'age': got a list, expected true or false or a number or a text",
    ),
    (
        "policies.yaml",
        "offers_per_channel: 3",
        "cold_start: {hardship: false}\npersonalised: NOT hardship",
        "a permission is never assumed: got 'hardship', on which a permission depends",
    ),
    (
        "models.yaml",
        "group: activity",
        "group: activty",
        "unknown group: got 'activty', expected 'activity' (did you m",
    ),
    ("models.yaml", "horizon_days: 60", "horizon_days: 0", "horizon_days is out of range: got 0, expected 1 to 3,650"),
    ("models.yaml", "lead_days: 7", "lead_days: -7", "lead_days is out of range: got -7"),
    (
        "models.yaml",
        "days_since_activity <= 45",
        "days_since_activty <= 45",
        "got 'days_since_activty', expected 'days_si",
    ),
    ("models.yaml", " AND days_since_activity <= 45", " AND age", "not a condition"),
    ("models.yaml", POPULATION, "age + 1", "not a condition: got `age + 1`"),
    ("models.yaml", POPULATION, "FALSE", "the population is empty"),
    ("models.yaml", "[stage, region]", "[stage, age]", "not a feature with categories: got 'age'"),
    ("models.yaml", "[stage, region]", "[stage, regio]", "got 'regio', expected 'region'"),
    ("models.yaml", "folds: 3", "exclude: [birth_yer]", "unknown feature: got 'birth_yer', expected 'birth_year'"),
    ("schedule.yaml", '"0 4 * * 0"', '"0 25 * * 0"', "not a cron line: got '25' as hour, expected 0 to 23"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), MISTAKES)
def test_a_mistake_is_found_in_its_line(folder: Folder, file: str, old: str, new: str, message: str) -> None:
    problems = folder.replace(file, old, new).problems()
    place = f"{file}:{line_of(file, old)}: "
    assert [problem for problem in problems if problem.startswith(place) and message in problem], problems


ABSENCES = [
    ("models.yaml", "  group: activity\n", "models.yaml:1: churn by inactivity needs a group"),
    ("offers.yaml", '  value: "25"\n', "offers.yaml:9: 'value' is missing: expected a text"),
    ("bank.yaml", "currency: EUR\n", "bank.yaml:1: 'currency' is missing: expected a text"),
]


@pytest.mark.parametrize(("file", "text", "problem"), ABSENCES)
def test_what_is_missing_is_said_where_it_should_be(folder: Folder, file: str, text: str, problem: str) -> None:
    assert any(said.startswith(problem) for said in folder.replace(file, text, "").problems())


def test_churn_by_event_needs_types_that_there_are(folder: Folder) -> None:
    folder.replace("models.yaml", "kind: inactivity\n  group: activity", "kind: event\n  types: [left]")
    assert folder.problems()[0].startswith("models.yaml:3: unknown event type: got 'left'")


def test_a_stage_after_one_that_always_holds_cannot_be_reached(folder: Folder) -> None:
    folder.replace("journey.yaml", '"days_since_activity > 45"', '"1 < 2"')
    assert [problem.split(": got")[0] for problem in folder.problems()] == [
        "journey.yaml:5: growth can never be reached",
        "journey.yaml:6: mature can never be reached",
    ]


def test_what_is_wrong_for_every_product_is_said_once(folder: Folder) -> None:
    folder.replace("events.yaml", "products: [savings]", "products: [savings, mortgage]")
    folder.replace("journey.yaml", "{product}_held", "{product}_hold")
    assert len(folder.problems()) == 1


def test_impossible_sizes_of_a_simulation_are_refused(folder: Folder) -> None:
    folder.write("simulation.yaml", "customers: 0\nmonths: 500\nstart: 1066-10-14\nseed: -1\n")
    assert [problem.split(": got")[0] for problem in folder.problems()] == [
        "simulation.yaml:1: customers is out of range",
        "simulation.yaml:2: months is out of range",
        "simulation.yaml:3: start is out of range",
        "simulation.yaml:4: seed is out of range",
    ]


def test_a_bank_that_the_simulated_world_does_not_know_is_refused(folder: Folder) -> None:
    (problem,) = folder.write("simulation.yaml", "customers: 10\n").problems()
    assert problem.startswith("simulation.yaml:1: the simulated world and the bank's folder disagree")


def test_a_simulation_never_writes_where_a_bank_delivers_its_files(folder: Folder) -> None:
    folder.write("simulation.yaml", "customers: 10\n").replace(
        "bank.yaml", "description: As", "source_folder: mine\ndescription: As"
    )
    told = "bank.yaml:2: a bank's files are either delivered or simulated: got 'mine' together with simulation.yaml"
    assert any(problem.startswith(told) for problem in folder.problems())
