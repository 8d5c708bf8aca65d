"""Proposals over a copy of the demo bank's folder; only the models are formulas."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.proposals.entries import KINDS, entry_names, entry_text, read_text, with_entry
from config.proposals.proposed import folder_digest
from config.reading import load_bank
from domain.errors import DataError
from serving.decider import Decider
from serving.proposals.proposal import Proposal, ProposalState
from serving.proposals.workflow import ConflictError, Proposals
from tests.serving.build import AS_OF

BANKS = Path(__file__).parents[2] / "banks"
PERSONAS = """\
- name: young_saver
  channel: app
  features: {stage: growth, age: 17}
  offer: savings_plus
  kept_away_by: adult
"""
MARKETER, RISK = frozenset({"marketer"}), frozenset({"risk"})


@pytest.fixture
def proposals(tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(BANKS / "demo", folder, ignore=shutil.ignore_patterns("schemas"))
    (folder / "personas.yaml").write_text(PERSONAS)
    bank = load_bank(folder)
    return Proposals(
        folder=tmp_path / "proposals",
        bank_folder=folder,
        decider=lambda: Decider(bank, None, None),
        what_if=lambda *proposed: {"overview": [], "offers": [], "of": list(map(str, proposed[1:]))},
    )


def cheaper(proposals: Proposals, author: str = "ann") -> Proposal:
    today = proposals.entry("offer", "savings_plus")
    assert today is not None
    return proposals.draft(author, "offer", "savings_plus", today.replace("cost: 15", "cost: 12 # until autumn"))


def tried(proposals: Proposals, proposal: Proposal) -> Proposal:
    return proposals.test(proposal.number, "ann", AS_OF)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.yaml")}


@pytest.mark.parametrize("bank", ["demo", "bpi2012"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_put_back_as_it_was_changes_no_byte(bank, kind):
    place = KINDS[kind]
    text = read_text(BANKS / bank / place.file)
    for name in entry_names(text, place):
        entry = entry_text(text, place, name)
        assert entry is not None
        assert with_entry(text, place, name, entry) == text


@given(st.data())
def test_an_entry_changed_leaves_all_others_as_they_were(data):
    words = st.text("abcdefgh", min_size=1, max_size=6)
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    names = data.draw(st.lists(words, min_size=1, max_size=5, unique=True))
    before = data.draw(st.sampled_from(["- ", "  - ", "-   "]))
    indent = " " * len(before)
    parts = [
        f"# about {name}{end}{before}name: {name}{end}{indent}text: |{end}{indent}  a{end}{indent}  b{end}"
        for name in names
    ]
    text, chosen = "".join(parts), data.draw(st.sampled_from(names))
    changed = with_entry(text, KINDS["offer"], chosen, f"name: {chosen}\ncost: 1\n")
    place = names.index(chosen)
    expected = f"# about {chosen}{end}{before}name: {chosen}{end}{indent}cost: 1{end}"
    assert changed == "".join([*parts[:place], expected, *parts[place + 1 :]])


def test_a_new_entry_is_added_at_the_end_and_an_empty_one_removed():
    text = "rules: []\nlevers:\n  - {name: a, factor: 2} # strong\n  # the end\n"
    added = with_entry(text, KINDS["lever"], "b", "{name: b, factor: 3}\n")
    assert added == "rules: []\nlevers:\n  - {name: a, factor: 2} # strong\n  - {name: b, factor: 3}\n  # the end\n"
    assert with_entry(added, KINDS["lever"], "b", "") == text
    assert with_entry("consent: {}\n", KINDS["lever"], "b", "{name: b}") == "consent: {}\nlevers:\n- {name: b}\n"


def test_a_list_in_one_line_is_refused_with_a_remedy():
    with pytest.raises(DataError, match="one entry per line"):
        with_entry("levers: [{name: a}]\n", KINDS["lever"], "a", "{name: a}")


def test_from_a_proposal_to_the_folder(proposals):
    before = files(proposals.bank_folder)
    proposal = tried(proposals, cheaper(proposals))
    assert proposal.personas.result == [
        {
            "persona": "young_saver",
            "passed": True,
            "expected": "adult keeps savings_plus away",
            "got": proposal.personas.result[0]["got"],
        }
    ]
    assert proposals.approve(proposal.number, "ben", MARKETER).is_approved(proposals.base())
    assert files(proposals.bank_folder) == before
    applied = proposals.apply(proposal.number, "ann")
    assert applied.state is ProposalState.APPLIED
    assert load_bank(proposals.bank_folder).offer("savings_plus").cost == 12
    after = files(proposals.bank_folder)
    assert {name for name in before if before[name] != after[name]} == {"offers.yaml"}
    old, new = (side["offers.yaml"].decode().splitlines() for side in (before, after))
    assert [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]] == [
        ("  cost: 15", "  cost: 12 # until autumn")
    ]


def test_what_was_there_before_can_be_proposed_again(proposals):
    before = files(proposals.bank_folder)
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    applied = proposals.apply(proposal.number, "ann")
    back = tried(proposals, proposals.draft("ann", applied.kind, applied.name, applied.entry_before))
    proposals.approve(back.number, "ben", MARKETER)
    proposals.apply(back.number, "ann")
    assert files(proposals.bank_folder) == before


def test_an_edit_takes_the_approval_back(proposals):
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    edited = proposals.edit(proposal.number, "ann", 1, proposal.entry.replace("12", "11"))
    assert not edited.is_approved(proposals.base())
    with pytest.raises(ConflictError, match="not approved"):
        proposals.apply(proposal.number, "ann")
    with pytest.raises(ConflictError, match="not tried out"):
        proposals.approve(proposal.number, "ben", MARKETER)


@pytest.mark.parametrize("changed", ["offers.yaml", "personas.yaml", "policies.yaml"])
def test_a_change_of_the_folder_takes_the_approval_back(proposals, changed):
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    with (proposals.bank_folder / changed).open("a") as handle:
        handle.write("# somebody was here\n")
    with pytest.raises(ConflictError, match="not approved"):
        proposals.apply(proposal.number, "ann")


def test_a_proposal_tampered_with_on_disk_is_not_applied(proposals):
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    for tampered in (
        replace(proposals.get(proposal.number), entry=proposal.entry.replace("12", "1")),
        replace(proposals.get(proposal.number), personas=replace(proposal.personas, result=[])),
        replace(proposals.get(proposal.number), what_if=replace(proposal.what_if, result={})),
    ):
        (proposals.folder / "000001.json").write_text(tampered.to_json())
        with pytest.raises(ConflictError, match="not approved"):
            proposals.apply(proposal.number, "ann")


def test_nobody_approves_what_they_wrote_themselves(proposals):
    proposal = cheaper(proposals)
    edited = proposals.edit(proposal.number, "ben", 1, proposal.entry.replace("12", "11"))
    tried(proposals, edited)
    for author in ("ann", "ben"):
        with pytest.raises(ConflictError, match="somebody else"):
            proposals.approve(proposal.number, author, MARKETER | RISK)
    proposals.approve(proposal.number, "cem", MARKETER)


def test_the_second_of_two_editors_is_told(proposals):
    proposal = cheaper(proposals)
    proposals.edit(proposal.number, "ben", 1, proposal.entry)
    with pytest.raises(ConflictError, match="ben has edited this proposal meanwhile"):
        proposals.edit(proposal.number, "ann", 1, proposal.entry)
    second = cheaper(proposals, "cem")
    assert [one.number for one in proposals.others(second)] == [proposal.number]


def test_somebody_elses_change_of_the_entry_is_not_overwritten(proposals):
    first, second = cheaper(proposals), cheaper(proposals, "cem")
    tried(proposals, first)
    proposals.approve(first.number, "ben", MARKETER)
    proposals.apply(first.number, "ann")
    proposals.test(second.number, "cem", AS_OF)
    with pytest.raises(ConflictError, match="somebody has changed savings_plus"):
        proposals.approve(second.number, "ben", MARKETER)


@pytest.mark.parametrize(
    ("kind", "name", "old", "new", "what"),
    [
        ("offer", "savings_plus", "cost: 15", "cost: 15\noffer_class: transactional\nsigned_off_by: R. Risk", "class"),
        ("rule", "decided_by_people", "except_tags: [service, adviser]", "except_tags: [service]", "consent"),
    ],
)
def test_only_the_risk_role_approves_classes_and_consent(proposals, kind, name, old, new, what):
    today = proposals.entry(kind, name)
    assert old in today
    proposal = tried(proposals, proposals.draft("ann", kind, name, today.replace(old, new)))
    with pytest.raises(ConflictError, match=f"a change of {what} is approved by the role risk"):
        proposals.approve(proposal.number, "ben", MARKETER)
    assert proposals.approve(proposal.number, "ben", RISK).is_approved(proposals.base())


def test_a_persona_that_does_not_get_what_is_expected_stops_the_approval(proposals):
    today = proposals.entry("rule", "adult")
    proposal = tried(proposals, proposals.draft("ann", "rule", "adult", today.replace("age >= 18", "age >= 16")))
    with pytest.raises(ConflictError, match="persona young_saver"):
        proposals.approve(proposal.number, "ben", RISK)


def test_problems_are_those_of_the_check(proposals):
    today = proposals.entry("offer", "savings_plus")
    proposal = proposals.draft(
        "ann", "offer", "savings_plus", today.replace("cost: 15", "costs: 15").replace("growth", "grow")
    )
    problems = proposals.problems(proposal)
    assert len(problems) == 2
    assert problems[0].startswith("offers.yaml:7: unknown key: got 'costs'")
    with pytest.raises(ConflictError):
        proposals.approve(proposal.number, "ben", MARKETER)


def test_a_withdrawn_proposal_leaves_every_byte_as_it_was(proposals):
    before = folder_digest(proposals.bank_folder)
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    proposals.withdraw(proposal.number, "ann")
    assert folder_digest(proposals.bank_folder) == before
    with pytest.raises(ConflictError, match="no longer open"):
        proposals.apply(proposal.number, "ann")
