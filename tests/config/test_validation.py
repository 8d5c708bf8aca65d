import pytest

from config.operations import Schedule
from config.validation import validate
from decisioning.policies.policy import Policy, Rule
from domain.offer import Offer
from events.mapping import Source
from simulation.settings import Simulation

OFFER = {
    "name": "loan",
    "description": "",
    "value": "1",
    "treatments": [{"channel": "app", "message": "card"}],
    "stages": ["growth"],
}


def sentences(content: object, shape: type) -> list[tuple[tuple[str | int, ...], str]]:
    _, problems = validate(content, shape, "file.yaml")  # type: ignore[arg-type]
    return [(problem.path, problem.sentence()) for problem in problems]


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"valu": "1"}, (0, "valu"), "unknown key: got 'valu', expected 'value' (did you mean it?) or one of "),
        ({"cost": "24"}, (0, "cost"), "wrong value of 'cost': got '24', expected a number"),
        ({"cost": True}, (0, "cost"), "wrong value of 'cost': got true, expected a number"),
        ({"name": 7}, (0, "name"), "wrong value of 'name': got 7, expected a text; write it in quotes"),
        ({"name": None}, (0, "name"), "wrong value of 'name': got nothing, expected a text"),
        ({"stages": ["growht"]}, (0, "stages", 0), "wrong value of 'stages': got 'growht', expected 'growth' (did"),
        ({"stages": "growth"}, (0, "stages"), "wrong value of 'stages': got 'growth', expected a list"),
        (
            {"valid_from": "2025-02-31"},
            (0, "valid_from"),
            "wrong value of 'valid_from': got '2025-02-31', expected a d",
        ),
        (
            {"valid_from": 20250101},
            (0, "valid_from"),
            "wrong value of 'valid_from': got 20250101, expected a date such",
        ),
        (
            {"response_window_days": 2.5},
            (0, "response_window_days"),
            "wrong value of 'response_window_days': got 2.5, ",
        ),
        ({"attributes": {"rate": "x"}}, (0, "attributes", "rate"), "wrong value of 'rate': got 'x', expected a number"),
        ({"treatments": [{"channel": "app"}]}, (0, "treatments", 0), "'message' is missing: expected a text"),
        (
            {"treatments": ["app"]},
            (0, "treatments", 0),
            "wrong value of 'treatments': got 'app', expected a mapping wit",
        ),
    ],
)
def test_a_wrong_part_of_an_offer_is_said_in_plain_words(
    change: dict[str, object], path: tuple[str | int, ...], sentence: str
) -> None:
    ((place, said),) = sentences([OFFER | change], tuple[Offer, ...])
    assert place == path
    assert said.startswith(sentence)


def test_all_that_is_wrong_with_a_file_is_said() -> None:
    offer = {key: value for key, value in OFFER.items() if key != "value"}
    places = [path for path, _ in sentences([OFFER, offer | {"cost": "x", "coste": 1}], tuple[Offer, ...])]
    assert sorted(map(str, places)) == sorted(map(str, [(1,), (1, "cost"), (1, "coste")]))


def test_a_place_that_may_be_a_text_or_a_list_is_complained_about_once() -> None:
    source = {"name": "x", "files": ["a"], "columns": {"event_id": 5, "customer_id": ["a", 3]}}
    assert sentences([source], tuple[Source, ...]) == [
        ((0, "columns", "event_id"), "wrong value of 'event_id': got 5, expected a text or a list; write it in quotes"),
        (
            (0, "columns", "customer_id", 1),
            "wrong value of 'customer_id': got 3, expected a text; write it in quotes",
        ),
    ]


def test_a_nested_unknown_key_gets_the_nearest_name_of_its_own_level() -> None:
    assert sentences({"exploration": {"epsilon": 0.1, "topp": 3}}, Policy) == [
        (("exploration", "topp"), "unknown key: got 'topp', expected 'top' (did you mean it?) or one of epsilon, floor")
    ]


def test_a_choice_of_names_offers_the_nearest() -> None:
    rule = {"name": "adult", "kind": "eligability", "require": "TRUE"}
    ((path, said),) = sentences({"rules": [rule]}, Policy)
    assert path == ("rules", 0, "kind")
    assert said.startswith("wrong value of 'kind': got 'eligability', expected 'eligibility' (did you mean it?)")


def test_a_list_where_a_mapping_is_expected_names_the_keys_it_needs() -> None:
    assert sentences([], Rule) == [((), "wrong value: got a list, expected a mapping with name, kind, require")]


def test_whole_numbers_are_numbers_but_texts_and_truths_are_not() -> None:
    assert validate({"exploration": {"epsilon": 1}}, Policy, "f")[1] == []
    assert sentences({"customers": "5", "seed": True}, Simulation) == [
        (("customers",), "wrong value of 'customers': got '5', expected a whole number"),
        (("seed",), "wrong value of 'seed': got true, expected a whole number"),
    ]


def test_what_is_left_without_the_wrong_keys_can_still_be_checked() -> None:
    schedule, problems = validate({"train": 3, "decide": "0 4 * * *", "x": 1}, Schedule, "schedule.yaml")
    assert schedule == Schedule(decide="0 4 * * *")
    assert len(problems) == 2
