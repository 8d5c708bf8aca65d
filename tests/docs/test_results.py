import re

import pytest

from tests.docs.pages import ROOT, blocks

RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("bank", ["demo", "bpi2012"])
def test_every_bank_has_models_over_time_decisions_and_rules(bank: str) -> None:
    part = re.split(r"^## ", RESULTS, flags=re.MULTILINE)[1 + ["demo", "bpi2012"].index(bank)]
    assert part.startswith(bank)
    for heading in ("### Churn", "### Propensity", f"### Decisions of {bank}"):
        assert heading in part
    for model in re.split(r"^### ", part, flags=re.MULTILINE):
        if model.startswith(("Churn", "Propensity")):
            assert len(re.findall(r"^\| \d{4}-\d\d-\d\d \|", model, re.MULTILINE)) == 3, "three folds"
            assert "FAILED" not in model
            assert "| AUC | " in model
    assert "| all | " in part


def test_the_page_says_what_the_models_of_the_public_log_cannot_predict() -> None:
    assert "### What the models can and cannot predict there" in RESULTS
    assert "the bank's own clock" in RESULTS
    assert "nan" not in RESULTS.lower().split()


def test_the_readme_shows_the_answer_to_its_own_command() -> None:
    (customer, channel), = re.findall(r"decide --customer (\w+) --channel (\w+)", README)  # fmt: skip
    (answer,) = blocks(ROOT / "README.md", "text")
    assert answer.startswith(f"{customer} in {channel} as of ")
    assert "why not the others" in answer
    assert max(map(len, answer.splitlines())) <= 130


def test_the_picture_is_small() -> None:
    assert (ROOT / "docs" / "gain.png").stat().st_size < 100_000
