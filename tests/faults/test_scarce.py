"""A system that gives no more memory or files: one sentence, and no traceback."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from domain.errors import StateError
from nbo.scarce import scarce
from tests.docs.pages import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="macOS bounds no address space")
def test_too_little_memory_is_told_in_one_sentence(tmp_path):
    bound = 150 * 2**20  # no room for the first large library; with a little more, native code may abort on its own
    done = subprocess.run(
        [sys.executable, "-m", "nbo", "--bank", "banks/demo", "decide", "--customer", "C1", "--channel", "app"],
        cwd=ROOT,
        env={**os.environ, "NBO_HOME": str(tmp_path / "home")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (bound, bound)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("nbo: there is too little memory")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", [MemoryError(), SystemError("error return without exception set")])
def test_whatever_an_extension_raises_without_memory_is_told_as_such(error):
    shortage = scarce(error)
    assert shortage is not None
    assert shortage.what == "there is too little memory"


def test_too_few_files_are_told_with_the_limit(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(64, soft), hard))
        with pytest.raises(OSError, match="Too many open files") as raised:
            opened += iter(lambda: (tmp_path / "file").open("w"), None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in opened:
            file.close()
    outer = StateError("the server did not start")
    outer.__cause__ = raised.value
    told = scarce(outer)
    assert told is not None
    assert "ulimit -n" in str(told)
