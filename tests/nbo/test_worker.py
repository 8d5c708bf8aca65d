"""A process that does not outlive the one that started it."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.pages import ROOT
from tests.nbo.test_processes import alive
from tests.waiting import until

SUPERVISOR = """
import multiprocessing, os, time

def work():
    from nbo.worker import end_with_supervisor
    end_with_supervisor()
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work).start()
    time.sleep(600)
"""


def test_a_worker_ends_when_its_supervisor_is_killed(tmp_path):
    script = tmp_path / "supervisor.py"
    script.write_text(SUPERVISOR)
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True) as supervisor:
        worker = int(supervisor.stdout.readline())
        assert alive(worker)
        supervisor.kill()
    until(lambda: not alive(worker))
