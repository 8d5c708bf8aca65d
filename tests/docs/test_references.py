from dataclasses import dataclass

import pytest

from config.files import FILE_KINDS
from domain.errors import StateError
from nbo.documents.__main__ import references
from nbo.documents.claims import claim
from nbo.documents.configuration import _rows, configuration_reference, specifications
from tests.docs.pages import ROOT

REFERENCES = references()


@pytest.mark.parametrize("path", REFERENCES)
def test_the_committed_file_is_what_the_program_says(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == REFERENCES[path], "write it again: make docs"


def test_every_specification_of_every_file_is_told_once() -> None:
    page = configuration_reference()
    for kind in FILE_KINDS.values():
        for shape in list(specifications(kind.shape))[1:]:
            assert page.count(f"### {shape.__name__}\n") == 1


def test_a_field_without_a_meaning_is_an_error() -> None:
    @dataclass
    class Silent:
        """Does not describe its field."""

        field: int = 1

    with pytest.raises(StateError, match="does not describe its field 'field'"):
        list(_rows(Silent))


def test_a_sentence_that_no_longer_holds_stops_the_page() -> None:
    with pytest.raises(StateError, match="no longer holds"):
        claim("Everything is predictable.", holds=False)
