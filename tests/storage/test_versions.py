import pytest

from storage.atomic import replace_text
from storage.versions import version_of


def test_a_file_that_is_replaced_has_another_version(tmp_path):
    file = tmp_path / "figures.json"
    replace_text(file, "1")
    first = version_of(file)
    assert version_of(file) == first
    replace_text(file, "2")
    assert version_of(file) != first


def test_a_file_that_is_gone_has_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        version_of(tmp_path / "nothing")
