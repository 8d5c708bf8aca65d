from __future__ import annotations

import subprocess
import sys


def test_on_windows_the_first_line_names_wsl() -> None:
    code = """if True:
        import shutil, sys  # shutil looks at the platform when it is imported
        sys.platform = "win32"
        sys.modules["fcntl"] = None  # Windows has none
        from nbo.__main__ import main
        main()
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("nbo runs on Linux and macOS; on Windows use WSL: `wsl --install`")
    assert done.stdout == ""
