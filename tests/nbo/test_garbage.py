from __future__ import annotations

import subprocess
import sys


def test_a_process_collects_seldom_and_libraries_still_find_their_objects_gone_at_its_end() -> None:
    code = """if True:
        import gc
        from nbo.garbage import COLLECT_AFTER, collect_seldom
        collect_seldom()
        import duckdb
        print(gc.isenabled(), gc.get_threshold() == COLLECT_AFTER, duckdb.sql("select 1").fetchall())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # DuckDB says on the screen what it finds alive at the end, as after gc.freeze
    assert (done.stdout, done.stderr) == ("True True [(1,)]\n", "")
