from __future__ import annotations

import subprocess
import sys


def test_a_process_collects_seldom_and_nothing_once_more_at_its_end() -> None:
    code = """if True:
        import atexit, gc
        from nbo.garbage import COLLECT_AFTER, collect_seldom
        atexit.register(lambda: print(gc.get_threshold() == COLLECT_AFTER, gc.get_freeze_count() > 0))  # the last
        collect_seldom()
        print(gc.isenabled(), gc.get_freeze_count())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True 0", "True True"]
