from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config.bank import Bank
from config.changes import changed_bank
from config.problems import ConfigurationErrors, LocatedProblem
from config.reading import load_bank
from domain.journey import Stage
from tests.config.folders import Folder, line_of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def changed(folder: Folder, text: str) -> Bank:
    return changed_bank(folder.path, written(folder, text))


def written(folder: Folder, text: str) -> Path:
    file = folder.path.parent / "change.yaml"
    file.write_text(text)
    return file


def problems(folder: Folder, text: str) -> list[str]:
    with pytest.raises(ConfigurationErrors) as caught:
        changed(folder, text)
    return [str(problem).replace(f"{folder.path.parent}/", "") for problem in caught.value.problems]


def test_a_change_of_nothing_is_the_bank_itself(folder: Folder) -> None:
    bank, same = load_bank(folder.path), changed(folder, "{}")
    assert same.digest == bank.digest
    assert (same.offers, same.policy, same.budgets) == (bank.offers, bank.policy, bank.budgets)


def test_saying_what_is_so_already_changes_nothing(folder: Folder) -> None:
    text = "offers: [{name: savings_goal, cost: 24}]\npolicies: {offers_per_channel: 3}\n"
    assert changed(folder, text).digest == load_bank(folder.path).digest


def test_fields_of_an_entry_change_and_the_others_stay(folder: Folder) -> None:
    before, after = load_bank(folder.path), changed(folder, "offers: [{name: savings_goal, cost: 9, value: '30'}]")
    offer = after.offer("savings_goal")
    assert (offer.cost, offer.value, offer.stages) == (9.0, "30", (Stage.DORMANT,))
    assert after.offer("savings_plus") == before.offer("savings_plus")
    assert [one.name for one in after.offers] == [one.name for one in before.offers]
    assert after.digest != before.digest


def test_an_entry_is_removed_and_a_new_one_added(folder: Folder) -> None:
    bank = changed(
        folder,
        """\
offers:
  - {name: savings_goal, remove: true}
  - name: savings_night
    product: savings
    description: New
    value: "31"
    stages: [growth]
    treatments: [{channel: push, message: short}]
policies:
  rules:
    - {name: risk, remove: true}
    - {name: adult, require: "age >= 21"}
  levers: [{name: night, factor: 1.5, offers: [savings_night]}]
  contact_limits: [{name: weekly, at_most: 2}]
  quiet_hours: [{name: night, channels: [push], from_hour: 21, until_hour: 7}]
""",
    )
    assert [offer.name for offer in bank.offers] == ["savings_plus", "follow_up", "savings_night"]
    assert {rule.name: rule.require for rule in bank.policy.rules} == {
        "adult": "age >= 21",
        "not_held": "NOT family_held",
    }
    assert [weight.name for weight in bank.policy.levers] == ["campaign", "night"]
    assert (bank.policy.contact_limits[0].at_most, bank.policy.contact_limits[0].days) == (2, 7)
    assert [quiet.name for quiet in bank.policy.quiet_hours] == ["night"]


def test_what_has_no_names_is_replaced(folder: Folder) -> None:
    policy = changed(folder, "policies: {control: {random_offer_share: 0.1}, offers_per_channel: 1}").policy
    assert (policy.control.holdout_share, policy.control.random_offer_share) == (0.0, 0.1)
    assert policy.offers_per_channel == 1


def test_a_bank_without_budgets_gets_one(folder: Folder) -> None:
    text = "budgets: [{name: calls, unit: calls, amount: 20}]"
    assert [budget.name for budget in changed(folder, text).budgets] == ["calls"]
    assert problems(folder, "budgets:\n  - {name: calls, unit: calls, amount: -1}") == [
        "change.yaml:2: calls: the amount is invalid: got -1.0, expected a number of at least 0"
    ]


def test_a_limit_that_is_new_has_its_count_among_the_features(folder: Folder) -> None:
    text = "policies: {contact_limits: [{name: monthly, per: channel, at_most: 3, days: 30}]}"
    assert "limit_monthly_app_30d" in changed(folder, text).features.features


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "change.yaml: the file is empty: expected YAML"),
        ("- offers\n", "change.yaml:1: a change must be a mapping: got a list"),
        ("offer: []\n", "change.yaml:1: this file cannot be changed: got 'offer', expected 'offers' (did"),
        ("offers: 3\n", "change.yaml:1: 'offers' is not a list: got 3, expected a list of entries with names"),
        ("policies: []\n", "change.yaml:1: 'policies' is not a mapping: got a list, expected one or more of consent"),
        ("offers:\n  - {cost: 3}\n", "change.yaml:2: an entry without a name: got a mapping"),
        ("offers:\n  - 3\n", "change.yaml:2: an entry without a name: got 3"),
        (
            "offers:\n  - {name: savings_plus, cost: 1}\n  - {name: savings_plus, cost: 2}\n",
            "change.yaml:3: changed twice: got 'savings_plus', expected one entry",
        ),
        (
            "offers:\n  - {name: saving_goal, cost: 3}\n",
            "change.yaml:2: no such name: got 'saving_goal', expected 'savings_goal' (did you mean it?) or one of "
            "follow_up, savings_plus; or complete the new entry: description, value, treatments, stages",
        ),
        (
            "policies:\n  rules:\n    - {name: adlut, remove: true}\n",
            "change.yaml:3: no such name: got 'adlut', expected 'adult' (did you mean it?) or one of not_held, risk",
        ),
        ("offers:\n  - {name: savings_goal, remove: 1}\n", "change.yaml:2: wrong value of 'remove': got 1"),
        (
            "offers:\n  - {name: savings_goal, remove: true, cost: 2}\n",
            "change.yaml:2: an entry both removed and changed: got 'cost', expected one or the other",
        ),
        (
            "offers:\n  - name: savings_goal\n    cots: 2\n",
            "change.yaml:3: unknown key: got 'cots', expected 'cost' (did you mean it?)",
        ),
        (
            "policies:\n  rules:\n  - {name: risk, remove: true}\n  - name: adult\n    require: agee >= 18\n",
            "change.yaml:5: unknown name: got 'agee', expected 'age' (did",
        ),
        ("policies:\n  offers_per_channel: many\n", "change.yaml:2: wrong value of 'offers_per_channel': got 'many'"),
        (
            "offers:\n  - name: savings_goal\n    treatments:\n      - {channel: apps, message: card}\n",
            "change.yaml:4: ",
        ),
    ],
    ids=range(16),
)
def test_every_mistake_of_a_change_is_told_with_its_line(folder: Folder, text: str, problem: str) -> None:
    found = problems(folder, text)
    assert found[0].startswith(problem), found


def test_a_mistake_that_the_change_brings_out_in_the_bank_has_the_banks_line(folder: Folder) -> None:
    found = problems(folder, "offers: [{name: savings_plus, remove: true}]\n")
    line = line_of("policies.yaml", "name: campaign")
    assert [one.split(": ")[0] for one in found] == [f"small/policies.yaml:{line}"]
    assert "'savings_plus'" in found[0]


def test_lines_of_what_stays_are_right_after_a_removal_before_it(folder: Folder) -> None:
    folder.replace("offers.yaml", 'value: "20"', 'value: "age +"')
    found = problems(folder, "offers: [{name: savings_goal, remove: true}]\n")
    line = line_of("offers.yaml", 'value: "20"')
    assert [one.split(": ")[0] for one in found] == [f"small/offers.yaml:{line}"]


def test_mistakes_of_bank_and_change_come_together(folder: Folder) -> None:
    folder.replace("bank.yaml", "currency: EUR", "currency: euro")
    found = problems(folder, "policies:\n  rules: [{name: adult, require: agee > 3}]\n")
    assert [one.split(": ")[0] for one in found] == ["change.yaml:2", "small/bank.yaml:4"]


def test_a_missing_change_is_told_by_its_name(folder: Folder) -> None:
    with pytest.raises(ConfigurationErrors, match=r"nowhere\.yaml: the file is missing"):
        changed_bank(folder.path, folder.path / "nowhere.yaml")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from(["offers", "policies", "budgets", "models"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["savings_plus", "adult", "age > 3"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "rules", "levers", "remove", "cost", "require"]), inner, max_size=4
                )
            ),
            max_leaves=12,
        ),
        max_size=3,
    )
)
def test_any_change_is_a_bank_or_an_error_with_places(tmp_path_factory: pytest.TempPathFactory, change: object) -> None:
    folder = Folder(tmp_path_factory.mktemp("any"))
    file = folder.path.parent / "change.yaml"
    with file.open("w") as handle:
        YAML(typ="safe").dump(change, handle)
    told: tuple[LocatedProblem, ...] = ()
    try:
        assert changed_bank(folder.path, file).offers
    except ConfigurationErrors as error:
        told = error.problems
    assert {problem.file for problem in told} <= {file, *folder.path.iterdir()}
