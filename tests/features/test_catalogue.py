import pytest

from domain.journey import Step
from events.vocabulary import ContactEvents, EventType, Vocabulary
from expressions.types import Boolean, Category, Number
from features.catalogue import build_catalogue
from features.definitions import AggregateFeature, FeatureFile, Where
from features.journey.settings import Journey, StepCondition
from tests.features.build import NO_STAGES, VOCABULARY, aggregate, bank, build, derived, stage

STEPS = (
    StepCondition(step=Step.HOLDING, when="{product}_payments > 0"),
    StepCondition(step=Step.AWARENESS, when="{product}_payments = 0"),
)
PAYMENTS = aggregate("payments", "count", Where(types=("payment",)), per="product")


def test_a_declaration_makes_a_feature_for_every_member_and_window() -> None:
    catalogue, problems = build([aggregate("visits", per="channel", windows_days=(7, 30))])
    assert problems == []
    names = [name for name, feature in catalogue.features.items() if feature.template is not None]
    assert names == ["app_visits_7d", "app_visits_30d", "web_visits_7d", "web_visits_30d"]
    feature = catalogue.features["web_visits_30d"]
    assert feature.aggregate is not None
    assert (feature.template, feature.member, feature.aggregate.where.channel) == ("visits_30d", "web", "web")
    assert feature.aggregate.windows_days == (30,)
    assert feature.aggregate.where.types == ("payment", "visit")


def test_attributes_are_features_but_for_text() -> None:
    catalogue, _ = build()
    assert catalogue.features["region"].type == Category(("north", "south"))
    assert catalogue.features["consent"].type == Boolean()
    assert catalogue.features["birth_year"].type == Number()
    assert catalogue.features["birth_year"].personal
    assert "nickname" not in catalogue.features


def test_what_is_made_from_something_personal_is_personal() -> None:
    catalogue, _ = build([], [derived("age", "as_of_year - birth_year"), derived("older", "age + 1")])
    assert catalogue.features["older"].personal


def test_formulas_come_after_what_they_read_whatever_their_order() -> None:
    catalogue, problems = build([], [derived("twice", "age * 2"), derived("age", "as_of_year - birth_year")])
    assert problems == []
    names = list(catalogue.features)
    assert names.index("age") < names.index("twice")


def test_the_currency_is_the_banks() -> None:
    catalogue, _ = build([aggregate("paid", "sum", unit="currency")])
    assert catalogue.features["paid"].unit == "EUR"


def test_families_find_a_feature_by_product() -> None:
    catalogue, problems = build([PAYMENTS], journey=Journey(stages=(), steps=STEPS))
    assert problems == []
    assert catalogue.families == {
        "payments": {"savings": "savings_payments", "loan": "loan_payments"},
        "step": {"savings": "savings_step", "loan": "loan_step"},
    }
    assert catalogue.features["loan_step"].type == Category(("holding", "awareness"))


def test_contacts_give_their_events_the_groups_of_offers() -> None:
    vocabulary = Vocabulary(
        channels=(),
        products=(),
        types={"sent": EventType(description=""), "taken": EventType(description="")},
        contacts=ContactEvents(presented="sent", accepted="taken"),
    )
    catalogue, problems = build([aggregate("offers", where=Where(group="offer_presented"))], vocabulary=vocabulary)
    assert problems == []
    made = catalogue.features["offers"].aggregate
    assert made is not None
    assert made.where.types == ("sent",)


def test_common_declarations_a_bank_cannot_fill_are_listed_with_the_reason() -> None:
    catalogue, problems, _, _ = bank("bpi2012")
    assert catalogue.not_applicable["login_count"] == "no event type has the group: 'login'"
    assert catalogue.not_applicable["inflow_trend"] == "it reads inflow_amount_30d, which this bank does not have"
    assert [problem for problem in problems if problem.file != "journey.yaml"] == []


def test_a_bank_without_products_gets_no_features_per_product() -> None:
    vocabulary = Vocabulary(channels=("app",), products=(), types=VOCABULARY.types)
    common = FeatureFile(aggregates=(PAYMENTS,), derived=(derived("had", "{product}_payments > 0", per="product"),))
    catalogue, problems = build_catalogue(common, FeatureFile(), vocabulary, NO_STAGES, currency="EUR")
    assert problems == []
    assert set(catalogue.not_applicable) == {"{product}_payments", "{product}_had"}


def test_a_name_with_a_dimension_left_in_it_stands_for_all_members() -> None:
    things = aggregate("things", per="channel")
    formulas = [
        derived("mix", "ENTROPY({channel}_things)"),
        derived("most", "GREATEST({channel}_things, 1)"),
        derived("had", "{product}_count > 0 AND ENTROPY({channel}_things) > 0", per="product"),
    ]
    catalogue, problems = build([things, aggregate("count", per="product")], formulas)
    assert problems == []
    assert catalogue.features["mix"].expression == "ENTROPY(app_things, web_things)"
    assert catalogue.features["most"].expression == "GREATEST(app_things, web_things, 1)"
    assert catalogue.features["loan_had"].expression == "loan_count > 0 AND ENTROPY(app_things, web_things) > 0"


def test_a_formula_over_a_dimension_the_bank_lacks_does_not_apply() -> None:
    vocabulary = Vocabulary(channels=(), products=("loan",), types=VOCABULARY.types)
    mix = derived("mix", "ENTROPY({channel}_things)")
    catalogue, problems = build_catalogue(
        FeatureFile(derived=(mix,)), FeatureFile(), vocabulary, NO_STAGES, currency="EUR"
    )
    assert (problems, catalogue.not_applicable["mix"]) == ([], "the bank has no channel")
    _, problems = build([], [mix], vocabulary=vocabulary)
    assert [(problem.path, problem.what) for problem in problems] == [
        (("derived", 0, "expression"), "the bank has no channel")
    ]


def test_excluded_common_features_are_left_out_with_what_reads_them() -> None:
    common = FeatureFile(aggregates=(aggregate("visits"),), derived=(derived("more", "visits + 1"),))
    own = FeatureFile(exclude=("visits",))
    catalogue, problems = build_catalogue(common, own, VOCABULARY, NO_STAGES, currency="EUR")
    assert problems == []
    assert catalogue.not_applicable == {
        "visits": "excluded by the bank",
        "more": "it reads visits, which this bank does not have",
    }


def test_a_bank_may_have_its_own_formula_in_place_of_a_common_one_that_does_not_apply() -> None:
    common = FeatureFile(derived=(derived("held", "opened > 0"), derived("many", "held AND visits > 1")))
    own = FeatureFile(aggregates=(aggregate("visits"),), derived=(derived("held", "visits > 0"),))
    catalogue, problems = build_catalogue(common, own, VOCABULARY, NO_STAGES, currency="EUR")
    assert problems == []
    assert catalogue.features["held"].expression == "visits > 0"
    assert "many" in catalogue.features


def test_counts_of_a_policy_are_internal() -> None:
    limit = aggregate("limit_weekly", windows_days=(7,))
    catalogue, _ = build_catalogue(FeatureFile(), FeatureFile(), VOCABULARY, NO_STAGES, (limit,), currency="EUR")
    assert catalogue.features["limit_weekly_7d"].internal


def test_the_digest_changes_with_a_definition() -> None:
    one, again, other = (build([aggregate("visits", windows_days=(days,))])[0] for days in (7, 7, 8))
    assert one.digest == again.digest != other.digest


@pytest.mark.parametrize(
    ("declaration", "path", "sentence"),
    [
        (aggregate(where=Where(group="activty")), ("where", "group"), "'activity' (did you mean it?)"),
        (aggregate(where=Where(types=("vist",))), ("where", "types", 0), "'visit' (did you mean it?)"),
        (aggregate(where=Where(channel="ap")), ("where", "channel"), "'app' (did you mean it?)"),
        (aggregate(where=Where(product="saving")), ("where", "product"), "'savings' (did you mean it?)"),
        (aggregate(where=Where(types=("visit",), group="ended")), ("where", "types"), "none of the types"),
        (
            aggregate(where=Where(types=("payment",), properties={"knd": "a"})),
            ("where", "properties", "knd"),
            "'kind' (did you mean it?)",
        ),
        (
            aggregate(where=Where(types=("payment",), properties={"kind": "z"})),
            ("where", "properties", "kind"),
            "never",
        ),
        (aggregate(kind="sum", where=Where(types=("visit",)), of="scor"), ("of",), "'score' (did you mean it?)"),
        (aggregate(kind="sum", where=Where(types=("payment",)), of="kind"), ("of",), "no sum of a category"),
        (aggregate(kind="last", of="score"), ("of",), "every matching event type"),
        (aggregate(windows_days=(7, 0)), ("windows_days", 1), "an impossible window: got 0"),
        (aggregate(windows_days=(4000,)), ("windows_days", 0), "1 to 3650 days"),
        (aggregate(where=Where(channel="app"), per="channel"), ("where", "channel"), "one of the two"),
        (aggregate(kind="decayed_count"), ("aggregate",), "without a half-life: expected half_life_days, 1 to 3650"),
        (aggregate(half_life_days=7), ("half_life_days",), "a count has no half-life"),
        (aggregate(kind="decayed_sum", half_life_days=0), ("half_life_days",), "an impossible half-life: got 0"),
        (aggregate(name="Visits!"), ("name",), "not a valid name for formulas"),
        (aggregate(name="as_of_year"), ("name",), "is reserved: every formula can read it"),
        (aggregate(name="region"), ("name",), "declared twice"),
    ],
)
def test_a_wrong_aggregate_is_reported_with_its_place(
    declaration: AggregateFeature, path: tuple[str | int, ...], sentence: str
) -> None:
    _, problems = build([aggregate("right"), declaration])
    assert [(problem.file, problem.path) for problem in problems] == [("features.yaml", ("aggregates", 1, *path))]
    assert sentence in problems[0].sentence()


@pytest.mark.parametrize(
    ("expressions", "positions", "sentence"),
    [
        ({"a": "visit + 1"}, [0], "'visits' (did you mean it?)"),
        ({"a": "visits +"}, [0], "cannot be read"),
        ({"a": "region + 1"}, [0], "not a number"),
        ({"a": "b + 1", "b": "a + 1"}, [0], "a <- b <- a"),
        ({"a": "a + 1"}, [0], "a <- a"),
        ({"a": "nothing", "b": "a + 1"}, [0], "unknown name: got 'nothing'"),
        ({"visits": "1"}, [0], "declared twice"),
    ],
)
def test_a_wrong_formula_is_reported_once_with_its_place(
    expressions: dict[str, str], positions: list[int], sentence: str
) -> None:
    _, problems = build([aggregate("visits")], [derived(name, text) for name, text in expressions.items()])
    assert [problem.path[:2] for problem in problems] == [("derived", position) for position in positions]
    assert sentence in problems[0].sentence()


def test_a_name_declared_twice_among_formulas_is_reported() -> None:
    _, problems = build([], [derived("one", "1 + as_of_year"), derived("one", "2 + as_of_year")])
    assert [(problem.path, problem.what) for problem in problems] == [
        (("derived", 1, "name"), "the feature 'one' is declared twice")
    ]


@pytest.mark.parametrize(
    ("journey", "path", "sentence"),
    [
        (Journey(stages=(stage("lost", "vists > 3"),)), ("stages", 0, "when"), "unknown name: got 'vists'"),
        (Journey(stages=(stage("lost", "visits"),)), ("stages", 0, "when"), "not a condition"),
        (Journey(stages=(stage("lost", "days_in_stage > 3"),)), ("stages",), "computed from each other"),
        (Journey(stages=(stage("lost", "lasting > 3"),)), ("stages",), "computed from each other"),
        (
            Journey(stages=(), steps=(StepCondition(step=Step.EXIT, when="{product}_visits > 0"),)),
            ("steps", 0, "when"),
            "unknown name: got 'savings_visits'",
        ),
    ],
)
def test_a_wrong_journey_is_reported_with_its_place(
    journey: Journey, path: tuple[str | int, ...], sentence: str
) -> None:
    formulas = [derived("lasting", "days_in_stage * 2")]
    _, problems = build([aggregate("visits")], formulas, journey)
    found = [problem for problem in problems if problem.file == "journey.yaml"]
    assert [problem.path for problem in found] == [path] or "computed from each other" in sentence
    assert any(sentence in problem.sentence() for problem in problems)


def test_an_unknown_exclusion_is_reported() -> None:
    _, problems = build(exclude=("visit",))
    assert [problem.path for problem in problems] == [("exclude", 0)]
