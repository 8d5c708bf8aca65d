"""Workers and their supervisor: neither outlives the other."""

from __future__ import annotations

import subprocess
import sys

import psutil

from tests.docs.pages import ROOT
from tests.nbo.test_processes import alive
from tests.waiting import SECONDS, until

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


STUCK = """
import os, signal, threading, time, uvicorn
from nbo.supervisor import Supervisor

def application():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    print("deaf", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    config = uvicorn.Config("stuck:application", factory=True, port=0, workers=2, timeout_worker_healthcheck=60)
    supervisor = Supervisor(config, [config.bind_socket()])
    supervisor.grace_seconds = 0.5
    supervisor.run()
"""


def test_workers_that_no_signal_reaches_are_killed_in_the_end(tmp_path):
    script = tmp_path / "stuck.py"
    script.write_text(STUCK)
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    with subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True) as supervisor:
        assert [supervisor.stdout.readline() for _ in range(2)] == ["deaf\n"] * 2
        workers = psutil.Process(supervisor.pid).children()
        supervisor.terminate()
        assert supervisor.wait(SECONDS) == 0
    until(lambda: not any(alive(worker.pid) for worker in workers))
