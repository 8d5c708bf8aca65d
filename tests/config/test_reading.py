import os
from pathlib import Path

import pytest

from config.problems import ConfigurationErrors
from config.reading import load_bank
from domain.errors import DataError
from tests.config.folders import BANKS, Folder, line_of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("name", ["demo", "bpi2012"])
def test_the_banks_of_the_repository_have_no_problems(name: str) -> None:
    bank = load_bank(BANKS / name)
    assert bank.identity.name == name
    assert str(bank.time_zone) == "Europe/Amsterdam"
    assert bank.features.features


def test_a_bank_finds_its_offers_by_name(folder: Folder) -> None:
    bank = load_bank(folder.path)
    assert bank.offer("savings_goal").value == "25"
    with pytest.raises(DataError, match="did you mean it"):
        bank.offer("saving_goal")


def test_the_contact_limits_of_the_policy_are_features(folder: Folder) -> None:
    features = load_bank(folder.path).features.features.values()
    assert any(feature.internal for feature in features)


def test_a_missing_folder_is_one_problem_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationErrors, match=r"folder is missing: expected 'demo' \(did you mean it\?\)"):
        load_bank(BANKS / "demoo")


def test_a_file_is_not_a_folder() -> None:
    with pytest.raises(ConfigurationErrors, match="the bank's folder is a file"):
        load_bank(BANKS / "demo" / "bank.yaml")


@pytest.mark.parametrize("file", ["bank.yaml", "sources.yaml", "offers.yaml", "models.yaml"])
def test_a_required_file_is_missed(folder: Folder, file: str) -> None:
    (folder.path / file).unlink()
    assert f"{file}: the file is missing: expected a file of that name" in folder.problems()


def test_a_bank_may_do_without_features_schedule_and_simulation(folder: Folder) -> None:
    (folder.path / "schedule.yaml").unlink()
    (folder.path / "features.yaml").unlink()
    bank = load_bank(folder.replace("policies.yaml", '"age >= 18"', '"birth_year < 2000"').path)
    assert bank.simulation is None
    assert bank.schedule.train is None


def test_a_misspelt_file_is_not_passed_over(folder: Folder) -> None:
    (folder.path / "features.yaml").rename(folder.path / "feature.yaml")
    assert any(
        problem.startswith("feature.yaml: this file would be ignored: expected 'features.yaml' (did you mean it?)")
        for problem in folder.problems()
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "schedule.yaml: the file is empty"),
        ("# nothing but a comment\n", "schedule.yaml: the file is empty"),
        (b"train: '0 4 * * 0'\ndecide: \xff\xfe", "schedule.yaml:2: the file is not UTF-8: got byte 0xff"),
        ("train: 1\x00", "schedule.yaml:1: not YAML: got a character that is not text"),
        ("train: [1,\n", "schedule.yaml:2: not YAML"),
        ("train: 'open\n", "schedule.yaml:2: not YAML"),
        ("train: *nowhere\n", "schedule.yaml:1: not YAML: got found undefined alias"),
        ("a: 1\n---\nb: 2\n", "schedule.yaml:2: not YAML"),
        ("- train\n", "schedule.yaml:1: wrong value: got a list, expected a mapping"),
        ("train\n", "schedule.yaml:1: wrong value: got 'train', expected a mapping"),
        ("train: &x [*x]\n", "schedule.yaml:1: an anchor contains itself"),
        ("train: " + "[" * 5000, "schedule.yaml:1: nested too deeply: got lists in lists, expected at most 50 levels"),
        ("train: " + "[" * 60 + "]" * 60, "schedule.yaml:1: nested too deeply"),
        ("train: !!python/object:os.system x\n", "schedule.yaml:1: an unknown tag: got python/object:os.system"),
        ("train: .inf\n", "schedule.yaml:1: not a finite number: got .inf"),
        ("train: " + "9" * 5000, "schedule.yaml:1: not a finite number"),
        ("? [a]\n: b\n", "schedule.yaml:1: a key is not a text"),
        (
            "x: &a [1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"x{n}: &a{n} [{','.join(['*a' + (str(n - 1) if n else '')] * 9)}]\n" for n in range(8)),
            "schedule.yaml:1: too many values",
        ),
    ],
    ids=range(18),
)
def test_a_file_that_is_no_yaml_mapping_is_said_with_its_line(
    folder: Folder, content: str | bytes, problem: str
) -> None:
    problems = folder.write("schedule.yaml", content).problems()
    assert problems[0].startswith(problem), problems


def test_a_huge_file_is_not_read(folder: Folder) -> None:
    with (folder.path / "schedule.yaml").open("wb") as file:
        file.truncate(6_000_000)
    assert folder.problems()[0].startswith("schedule.yaml: the file is too large: got 6000000 bytes")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_a_problem(folder: Folder) -> None:
    (folder.path / "schedule.yaml").chmod(0)
    assert folder.problems()[0].startswith("schedule.yaml: the file cannot be read")


def test_a_folder_in_place_of_a_file_is_a_problem(folder: Folder) -> None:
    (folder.path / "schedule.yaml").unlink()
    (folder.path / "schedule.yaml").mkdir()
    assert folder.problems()[0].startswith("schedule.yaml: the file cannot be read: got Is a directory")


def test_a_key_that_is_there_twice_names_both_lines(folder: Folder) -> None:
    problems = folder.write("schedule.yaml", "train: '0 4 * * 0'\ndecide: '0 4 * * 0'\ntrain: '0 5 * * 0'\n").problems()
    assert problems == ["schedule.yaml:3: duplicate key: got 'train', expected only the one in line 1"]


def test_anchors_and_merge_keys_work(folder: Folder) -> None:
    folder.replace(
        "offers.yaml",
        "- name: savings_goal\n",
        "- &goal\n  name: savings_goal\n",
    )
    text = (folder.path / "offers.yaml").read_text()
    folder.write("offers.yaml", f"{text}- <<: *goal\n  name: savings_target\n  value: '26'\n")
    bank = load_bank(folder.path)
    assert bank.offer("savings_target").value == "26"
    assert bank.offer("savings_target").treatments == bank.offer("savings_goal").treatments


@pytest.mark.parametrize("entry", ["x: 1, ", ""])
@pytest.mark.parametrize("levels", [20, 40, 49])
def test_merge_keys_that_double_at_every_level_are_too_much(folder: Folder, entry: str, levels: int) -> None:
    doubling = [f"a{n}: &a{n} {{{entry}<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels)]
    (problem,) = folder.write("schedule.yaml", "\n".join(["a0: &a0 {y: 1}", *doubling])).problems()
    assert "too many values" in problem


def test_merge_keys_that_go_too_deep_are_told(folder: Folder) -> None:
    chain = [f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 2000)]
    (problem,) = folder.write("schedule.yaml", "\n".join(["a0: &a0 {y: 1}", *chain])).problems()
    assert "nested too deeply" in problem


def test_a_byte_order_mark_and_dos_lines_do_no_harm(folder: Folder) -> None:
    folder.write("schedule.yaml", b"\xef\xbb\xbftrain: '0 4 * * 0'\r\ndecide: '0 5 * * 0'\r\n")
    assert load_bank(folder.path).schedule.decide == "0 5 * * 0"


def test_all_problems_of_all_files_come_at_once_in_order(folder: Folder) -> None:
    problems = (
        folder.replace("bank.yaml", "currency: EUR", "currency: euro")
        .replace("bank.yaml", "Europe/Amsterdam", "Europe/Amsterdm")
        .replace("journey.yaml", "activity_trend", "activty_trend")
        .replace("models.yaml", "horizon_days: 60", "horizon_days: 0")
        .replace("policies.yaml", "NOT family_held", "NOT family_hold")
        .replace("schedule.yaml", "0 4 * * 0", "0 4 * *")
        .write("simulation.yaml", "customers: 20\nmonths: 1.5\n")
        .problems()
    )
    assert [problem.split(": ")[0] for problem in problems] == [
        "bank.yaml:3",
        "bank.yaml:4",
        "journey.yaml:5",
        "models.yaml:4",
        f"policies.yaml:{line_of('policies.yaml', 'NOT family_held')}",
        "schedule.yaml:1",
        "simulation.yaml:2",
    ]


def test_the_error_tells_how_many_and_where(folder: Folder) -> None:
    folder.replace("bank.yaml", "currency: EUR", "currency: euro")
    with pytest.raises(ConfigurationErrors) as caught:
        load_bank(folder.path)
    first, second = str(caught.value).splitlines()
    assert first == f"1 problem in {folder.path}"
    assert second.startswith(f"{folder.path}/bank.yaml:4: not a currency: got 'euro', expected three capitals")


def test_the_digest_follows_the_content_and_not_its_form(folder: Folder) -> None:
    before = load_bank(folder.path).digest
    text = (folder.path / "bank.yaml").read_text()
    assert load_bank(folder.write("bank.yaml", f"# a comment\n{text}").path).digest == before
    assert load_bank(folder.replace("offers.yaml", 'value: "25"', 'value: "26"').path).digest != before
