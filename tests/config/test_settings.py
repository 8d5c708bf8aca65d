from __future__ import annotations

import pytest

from config.settings import Settings
from config.stores import SettingError


def test_a_home_that_no_databases_address_can_name_is_refused() -> None:
    with pytest.raises(SettingError, match=r"question mark in its name: got /srv/what\?,"):
        Settings.from_environment({"NBO_HOME": "/srv/what?"})
    for name in ("a b", "O'Brien & Söhne [1]", "100% #1"):
        assert (
            Settings.from_environment({"NBO_HOME": f"/srv/{name}"}).tracking_uri
            == f"sqlite:////srv/{name}/mlflow/mlflow.db"
        )


def test_a_home_that_no_database_can_be_told_of_is_refused():
    with pytest.raises(SettingError, match="bytes that are not UTF-8 in its name"):
        Settings.from_environment({"NBO_HOME": "/srv/\udcff"})


@pytest.mark.parametrize("text", ["rwx", "0x1f", "8", "770", "-1", "1077"])
def test_a_umask_that_is_none_or_denies_the_owner_is_refused(text):
    with pytest.raises(SettingError, match=f"NBO_UMASK makes no sense: got '{text}'"):
        Settings.from_environment({"NBO_UMASK": text})


def test_the_umask_is_octal():
    read = [Settings.from_environment({"NBO_UMASK": text}).umask for text in ("", "027", "0007", "0o022")]
    assert read == [0o077, 0o027, 0o007, 0o022]
