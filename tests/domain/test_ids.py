from __future__ import annotations

import pickle
import sys
from unicodedata import bidirectional, category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from domain.ids import LONGEST_ID, customer_id, fit_id

UNSEEN = [chr(code) for code in range(sys.maxunicode + 1) if category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.mark.parametrize(
    "text", ["C000001", "A/B-1", "50%25", "K#7?x=1", "a b", "\U0001f600", "M\u00fcller", "...", "0"]
)
def test_what_can_be_seen_is_an_id_as_it_is(text: str) -> None:
    assert customer_id(text) == text


def test_an_id_is_trimmed_and_normalised_so_that_two_spellings_are_one_customer() -> None:
    assert customer_id("\u00a0 K1\t\r\n") == "K1"
    assert customer_id("Mu\u0308ller") == customer_id("M\u00fcller") == "M\u00fcller"
    assert customer_id("\u2126") == "\u03a9"


@pytest.mark.parametrize("text", ["", " ", "\n", ".", "..", " .. ", "L" * 201, None, True, 7, 7.0, b"K1", ["K1"]])
def test_what_is_no_id_is_refused(text: object) -> None:
    with pytest.raises(DataError, match="a customer id"):
        customer_id(text)


def test_no_control_format_or_separating_character_and_no_half_of_a_pair_is_in_an_id() -> None:
    assert {"\x00", "\t", "\x7f", "\x85", "\u200b", "\u200f", "\u202e", "\u2028", "\ufeff", "\ud800"} <= set(UNSEEN)
    assert {character for character in UNSEEN if _is_id(f"K{character}1")} == set()


@pytest.mark.parametrize("character", ["\u034f", "\u3164", "\ufe0f", "\uffa0", "\u2800", "\U000e0100"])
def test_letters_and_marks_without_a_look_are_not_in_an_id(character: str) -> None:
    assert not _is_id(f"K{character}1")


def test_the_length_counts_after_normalising() -> None:
    assert len(customer_id("u\u0308" * LONGEST_ID)) == LONGEST_ID
    assert not _is_id("u\u0308" * LONGEST_ID + "x")
    assert not _is_id("\u0958" * (LONGEST_ID // 2 + 1))  # NFC makes two characters of each


def test_a_refusal_says_which_kind_of_id_and_survives_a_process() -> None:
    with pytest.raises(DataError) as raised:
        fit_id("e\x00", "event id")
    assert str(raised.value) == (
        "an event id has an invisible character: got 'e\\x00', expected visible ones; correct it at its source"
    )
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


@given(st.text())
def test_an_id_stays_what_it_is(text: str) -> None:
    if not _is_id(text):
        return
    once = customer_id(text)
    assert customer_id(once) == once == normalize("NFC", once) == once.strip()
    assert 1 <= len(once) <= LONGEST_ID
    assert once.encode().decode() == once
    assert not any(bidirectional(character) in ("RLO", "LRO", "RLE", "LRE", "PDF", "BN") for character in once)


def _is_id(text: str) -> bool:
    try:
        customer_id(text)
    except DataError:
        return False
    return True
