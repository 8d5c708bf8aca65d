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
