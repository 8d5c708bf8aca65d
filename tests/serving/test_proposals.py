"""Proposals over a copy of the demo bank's folder; only the models are formulas."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.proposals.entries import KINDS, entry_names, entry_text, read_text, with_entry
from config.proposals.proposed import folder_digest, write_entry
from config.reading import load_bank
from domain.errors import DataError
from serving.decider import Decider
from serving.proposals.proposal import Proposal, ProposalState
from serving.proposals.timetable import Timetable
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
    applied = proposals.apply(proposal.number, "ann", AS_OF)
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
    applied = proposals.apply(proposal.number, "ann", AS_OF)
    back = tried(proposals, proposals.draft("ann", applied.kind, applied.name, applied.entry_before))
    proposals.approve(back.number, "ben", MARKETER)
    proposals.apply(back.number, "ann", AS_OF)
    assert files(proposals.bank_folder) == before


def test_an_edit_takes_the_approval_back(proposals):
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    edited = proposals.edit(proposal.number, "ann", 1, proposal.entry.replace("12", "11"))
    assert not edited.is_approved(proposals.base())
    with pytest.raises(ConflictError, match="not approved"):
        proposals.apply(proposal.number, "ann", AS_OF)
    with pytest.raises(ConflictError, match="not tried out"):
        proposals.approve(proposal.number, "ben", MARKETER)


@pytest.mark.parametrize("changed", ["offers.yaml", "personas.yaml", "policies.yaml"])
def test_a_change_of_the_folder_takes_the_approval_back(proposals, changed):
    proposal = tried(proposals, cheaper(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    with (proposals.bank_folder / changed).open("a") as handle:
        handle.write("# somebody was here\n")
    with pytest.raises(ConflictError, match="not approved"):
        proposals.apply(proposal.number, "ann", AS_OF)


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
            proposals.apply(proposal.number, "ann", AS_OF)


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
    proposals.apply(first.number, "ann", AS_OF)
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


def approval_needs(proposals: Proposals, kind: str, name: str, entry: str) -> tuple[str, ...]:
    proposal = tried(proposals, proposals.draft("ann", kind, name, entry))
    needed = proposals.risk_of(proposal)
    if needed:
        with pytest.raises(ConflictError, match="approved by the role risk"):
            proposals.approve(proposal.number, "ben", MARKETER)
    assert proposals.approve(proposal.number, "ben", RISK).is_approved(proposals.base())
    return needed


@pytest.mark.parametrize("offer_class", ["mandatory", "transactional"])
def test_only_the_risk_role_removes_what_the_bank_has_to_present(proposals, offer_class):
    classes = {offer.name: offer.offer_class for offer in load_bank(proposals.bank_folder).offers}
    name = next(name for name, one in classes.items() if one == offer_class)
    # a second one, for rules name the tag of the only one
    entry = proposals.entry("offer", name)
    copied = entry.replace(f"name: {name}", "name: another").replace("&owed", "")
    write_entry(proposals.bank_folder, KINDS["offer"], "another", copied)
    assert approval_needs(proposals, "offer", "another", "") == ("class",)


def test_a_commercial_offer_is_removed_without_the_risk_role(proposals):
    assert approval_needs(proposals, "offer", "savings_goal", "") == ()


def test_an_offer_leaves_a_rule_of_consent_only_by_the_risk_role(proposals):
    today = proposals.entry("offer", "savings_goal")
    assert approval_needs(proposals, "offer", "savings_goal", f"{today}tags: [service]\n") == ("consent",)


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
    problems = proposals.problems(proposal.kind, proposal.name, proposal.entry)
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
        proposals.apply(proposal.number, "ann", AS_OF)


def applied(proposals: Proposals, proposal: Proposal, roles: frozenset[str] = MARKETER) -> Proposal:
    tried(proposals, proposal)
    proposals.approve(proposal.number, "ben", roles)
    return proposals.apply(proposal.number, "ann", AS_OF)


def test_one_act_returns_to_what_was_there_before(proposals):
    before = files(proposals.bank_folder)
    proposal = applied(proposals, cheaper(proposals))
    assert files(proposals.bank_folder) != before
    returned = proposals.give_back(proposal.number, "cem")
    assert files(proposals.bank_folder) == before
    assert (returned.state, returned.history[-1][1:]) == (ProposalState.RETURNED, ("cem", "returned"))
    with pytest.raises(ConflictError, match="not applied"):
        proposals.give_back(proposal.number, "cem")


def test_what_somebody_changed_since_is_not_returned(proposals):
    first = applied(proposals, cheaper(proposals))
    today = proposals.entry("offer", "savings_plus")
    applied(proposals, proposals.draft("ann", "offer", "savings_plus", today.replace("cost: 12", "cost: 9")))
    with pytest.raises(ConflictError, match="somebody has changed savings_plus"):
        proposals.give_back(first.number, "cem")


def test_only_the_risk_role_returns_what_only_it_may_approve(proposals):
    today = proposals.entry("offer", "savings_goal")
    proposal = proposals.draft(
        "ann", "offer", "savings_goal", f"{today}offer_class: transactional\nsigned_off_by: R. Risk\n"
    )
    applied(proposals, proposal, RISK)
    with pytest.raises(ConflictError, match="given back by the role risk"):
        proposals.give_back(proposal.number, "cem", MARKETER)
    assert proposals.give_back(proposal.number, "cem", RISK).state is ProposalState.RETURNED


HOUR = timedelta(hours=1)


def scheduled(proposals: Proposals) -> Proposal:
    today = proposals.entry("offer", "savings_plus")
    entry = today.replace("cost: 15", "cost: 12")
    return proposals.draft("ann", "offer", "savings_plus", entry, (AS_OF + HOUR, AS_OF + 3 * HOUR))


def cost_of(proposals: Proposals) -> float:
    return load_bank(proposals.bank_folder).offer("savings_plus").cost


def test_an_approved_proposal_starts_and_ends_by_itself(proposals):
    before, table = files(proposals.bank_folder), Timetable(proposals)
    proposal = tried(proposals, scheduled(proposals))
    assert table.turn(AS_OF + HOUR) == [], "nobody has approved it"
    proposals.approve(proposal.number, "ben", MARKETER)
    with pytest.raises(ConflictError, match="starts by itself"):
        proposals.apply(proposal.number, "ann", AS_OF)
    assert table.turn(AS_OF) == []
    assert cost_of(proposals) == 15
    assert [one.state for one in table.turn(AS_OF + HOUR)] == [ProposalState.APPLIED]
    assert cost_of(proposals) == 12
    assert table.turn(AS_OF + 2 * HOUR) == []
    assert [one.state for one in Timetable(proposals).turn(AS_OF + 3 * HOUR)] == [ProposalState.RETURNED]
    assert files(proposals.bank_folder) == before
    assert [line[1:] for line in proposals.get(proposal.number).history[-2:]] == [
        ("timetable", "applied"),
        ("timetable", "returned"),
    ]


def test_what_is_no_longer_approved_does_not_start(proposals):
    proposal = tried(proposals, scheduled(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    with (proposals.bank_folder / "budgets.yaml").open("a") as handle:
        handle.write("# somebody was here\n")
    assert Timetable(proposals).turn(AS_OF + HOUR) == []
    assert cost_of(proposals) == 15


def test_another_time_takes_the_approval_back(proposals):
    proposal = tried(proposals, scheduled(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    proposals.edit(proposal.number, "ann", 1, proposal.entry, (AS_OF, None))
    assert Timetable(proposals).turn(AS_OF + HOUR) == []


def test_what_somebody_changed_since_stays_when_its_time_is_over(proposals):
    proposal = tried(proposals, scheduled(proposals))
    proposals.approve(proposal.number, "ben", MARKETER)
    table = Timetable(proposals)
    table.turn(AS_OF + HOUR)
    text = (proposals.bank_folder / "offers.yaml").read_text()
    (proposals.bank_folder / "offers.yaml").write_text(text.replace("cost: 12", "cost: 7", 1))
    table.turn(AS_OF + 3 * HOUR)
    assert cost_of(proposals) == 7
    assert "not ended: somebody has changed savings_plus" in proposals.get(proposal.number).history[-1][2]


def test_a_proposal_ends_after_it_starts(proposals):
    with pytest.raises(DataError, match="ends before it starts"):
        proposals.draft("ann", "lever", "x", "{name: x, factor: 1}", (AS_OF, AS_OF))
