"""Shared anchors: whatever entry is removed, copied or changed, all others mean what they meant."""

import re

import pytest
from ruamel.yaml import YAML

from config.proposals.entries import KINDS, entry_names, entry_text, with_entry
from domain.errors import DataError
from tests.docs.pages import ROOT

KIND = KINDS["offer"]
DEMO = (ROOT / "banks" / "demo" / "offers.yaml").read_text(encoding="utf-8")
SHARED = """\
- name: a
  tags: &tags [x, y] # of all
  text: &text |
    two
    lines
  treatments: &sales # as usual
    # the cheapest first
    - {channel: app, cost: 0.1}

    - channel: email
      cost: 2 # stamps
- name: b
  text: *text
  treatments: *sales
- name: c # last
  treatments: *sales # three
  tags: *tags
"""


def meaning(text):
    return {one["name"]: one for one in YAML(typ="safe", pure=True).load(text) or ()}


@pytest.mark.parametrize("text", [DEMO, SHARED, SHARED.replace("\n", "\r\n"), SHARED.removesuffix("\n")])
def test_an_entry_that_is_removed_leaves_all_others_as_they_were(text):
    for name in entry_names(text, KIND):
        changed = with_entry(text, KIND, name, "")
        assert meaning(changed) == {key: one for key, one in meaning(text).items() if key != name}, name


def test_an_anchor_moves_with_its_comments_to_the_next_user():
    assert with_entry(SHARED, KIND, "a", "") == (
        "- name: b\n  text: &text |\n    two\n    lines\n  treatments: &sales # as usual\n    # the cheapest first\n"
        "    - {channel: app, cost: 0.1}\n\n    - channel: email\n      cost: 2 # stamps\n"
        "- name: c # last\n  treatments: *sales # three\n  tags: &tags [x, y]\n"
    )


def test_entries_can_be_removed_one_after_the_other():
    text, left = DEMO, meaning(DEMO)
    for name in entry_names(DEMO, KIND):
        text = with_entry(text, KIND, name, "")
        del left[name]
        assert meaning(text) == left


@pytest.mark.parametrize("text", [DEMO, SHARED])
def test_a_copied_entry_repeats_no_anchor_and_means_the_same(text):
    anchors = sorted(re.findall(r"&\w+", text))
    for name in entry_names(text, KIND):
        copy = entry_text(text, KIND, name).replace(f"name: {name}", "name: a_copy", 1)
        changed = with_entry(text, KIND, "a_copy", copy)
        assert meaning(changed) == {**meaning(text), "a_copy": {**meaning(text)[name], "name": "a_copy"}}, name
        assert sorted(re.findall(r"&\w+", changed)) == anchors


def test_a_copy_with_other_content_has_it_without_the_anchor():
    copy = entry_text(SHARED, KIND, "a").replace("name: a", "name: d").replace("[x, y]", "[z]")
    changed = with_entry(SHARED, KIND, "d", copy)
    assert meaning(changed)["d"]["tags"] == ["z"]
    assert meaning(changed)["c"]["tags"] == ["x", "y"]


def test_an_entry_that_no_longer_has_the_anchor_hands_it_on():
    plain = "name: a\ntags: [x, y]\n"
    changed = with_entry(SHARED, KIND, "a", plain)
    assert meaning(changed) == {**meaning(SHARED), "a": {"name": "a", "tags": ["x", "y"]}}


def test_an_entry_put_back_as_it_is_changes_no_byte():
    for text in (DEMO, SHARED):
        for name in entry_names(text, KIND):
            assert with_entry(text, KIND, name, entry_text(text, KIND, name)) == text


def test_lines_do_not_fit_into_brackets_and_the_message_says_what_to_do():
    text = "- name: a\n  tags: &t\n    - x\n- {name: b, tags: *t}\n"
    with pytest.raises(DataError, match="cannot move to its next user") as raised:
        with_entry(text, KIND, "a", "")
    assert "move the anchor by hand" in str(raised.value)


def test_what_is_in_brackets_moves_into_brackets():
    text = "- {name: a, tags: &t [x], cost: 1}\n- {name: b, tags: *t, cost: 2}\n"
    assert with_entry(text, KIND, "a", "") == "- {name: b, tags: &t [x], cost: 2}\n"
