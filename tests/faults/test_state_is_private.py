"""Whatever the umask, the state is its owner's alone; or also a group's, where a setting says so."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT
from tests.pipelines.small_bank import SmallBank


@pytest.mark.parametrize(("act", "denied"), [("import", 0o077), ("check", 0o027)])
def test_commands_write_what_nobody_else_can_read(tmp_path, act, denied):
    bank = SmallBank.write(tmp_path, customers=10, months=2)
    command = [sys.executable, "-m", "nbo", "--bank", str(bank.folder), act]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    environment |= {"NBO_HOME": str(bank.home), "NBO_UMASK": "" if act == "import" else f"{denied:03o}"}
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, umask=0, check=True)
    modes = {str(place.relative_to(bank.home)): stat.S_IMODE(place.stat().st_mode) for place in bank.home.rglob("*")}
    assert "prefect" in modes
    assert any(place.endswith("decisions.db") for place in modes) is (act == "import")
    assert {place: oct(mode) for place, mode in modes.items() if mode & denied} == {}
    assert stat.S_IMODE(bank.home.stat().st_mode) == 0o777 & ~denied
