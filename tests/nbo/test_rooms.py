"""nbo beside files that have the names of its packages: real interpreters in real folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from nbo.rooms import ROOMS

CHECKOUT = Path(__file__).parents[2]
PYTHON = Path(sys.executable)
COMMAND = PYTHON.with_name("nbo")
FINDS_ALL = "import nbo, config.problems, models, domain.errors; print('found')"
ANOTHER_FOLDER = "start Python from another folder, or rename it"
SAFE_PATH = "rename it, or keep its folder off the path with `python -P` (PYTHONSAFEPATH=1)"


def run(
    *command: str | Path, folder: Path, path: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; `path` is Python's."""
    ours = {"PYTHONPATH", "PYTHONSAFEPATH", "PYTEST_ADDOPTS"}
    plain = {name: value for name, value in os.environ.items() if name not in ours}
    plain |= {} if path is None else {"PYTHONPATH": str(path)}
    return subprocess.run(
        command,
        cwd=folder,
        env={**plain, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of an import that was refused."""
    assert ended.returncode
    return ended.stderr.strip().splitlines()[-1]


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def another_checkout(folder: Path, *, without: str = "") -> Path:
    """As much of another checkout as the look at the rooms sees."""
    for room in (*ROOMS, "nbo"):
        if room != without:
            write(folder / room / "__init__.py")
    if without != "nbo":
        for name in ("__init__.py", "rooms.py"):
            shutil.copy(CHECKOUT / "nbo" / name, folder / "nbo" / name)
    return folder


def test_the_rooms_are_those_that_are_installed() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert {*ROOMS, "nbo"} == set(declared["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


@pytest.mark.parametrize("imported", ["import nbo", "from nbo.environment import prepare", "import nbo.commands"])
@pytest.mark.parametrize("name", ["config.py", "models/__init__.py", "features.py", "nbo_client/__init__.py"])
def test_a_file_with_the_name_of_a_package_is_named_whatever_is_imported(
    tmp_path: Path, name: str, imported: str
) -> None:
    file = write(tmp_path / name)
    refused = said(run(PYTHON, "-c", imported, folder=tmp_path))
    stranger = file.parent if file.name == "__init__.py" else file
    assert refused == (
        f"ImportError: {stranger} is in the way of nbo, which has a package called {stranger.stem}: "
        f"start Python from another folder, {SAFE_PATH}"
    )


def test_a_script_beside_such_a_file_is_told_and_runs_with_a_safe_path(tmp_path: Path) -> None:
    write(tmp_path / "work" / "models" / "__init__.py")
    script = write(tmp_path / "work" / "script.py", FINDS_ALL)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    refused = said(run(PYTHON, script.relative_to(tmp_path), folder=tmp_path))
    assert f"{script.parent / 'models'} is in the way" in refused
    assert SAFE_PATH in refused
    assert "is in the way" in said(run(PYTHON, script, folder=elsewhere))
    assert run(PYTHON, "-P", script, folder=tmp_path).stdout == "found\n"
    assert run(PYTHON, script, folder=tmp_path, PYTHONSAFEPATH="1").stdout == "found\n"


def test_a_script_that_has_the_name_itself_is_told(tmp_path: Path) -> None:
    script = write(tmp_path / "events.py", "import nbo")
    assert f"{script} is in the way" in said(run(PYTHON, script, folder=tmp_path))


def test_a_module_run_from_such_a_folder_is_told_and_one_from_another_runs(tmp_path: Path) -> None:
    write(tmp_path / "work" / "config.py")
    write(tmp_path / "work" / "job.py", FINDS_ALL)
    write(tmp_path / "other" / "job.py", FINDS_ALL)
    assert "config.py is in the way" in said(run(PYTHON, "-m", "job", folder=tmp_path / "work"))
    assert run(PYTHON, "-m", "job", folder=tmp_path / "other").stdout == "found\n"


def test_a_folder_that_is_no_package_is_in_nobodys_way(tmp_path: Path) -> None:
    write(tmp_path / "models" / "churn.onnx")
    write(tmp_path / "config" / "settings.yaml")
    assert run(PYTHON, "-c", FINDS_ALL, folder=tmp_path).stdout == "found\n"


def test_a_module_that_was_imported_first_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "lib" / "config.py")
    code = f"import sys; sys.path.insert(0, {str(file.parent)!r}); import config; del sys.path[0]; import nbo"
    assert said(run(PYTHON, "-c", code, folder=tmp_path)) == (
        f"ImportError: {file} is in the way of nbo, which has a package called config, and was imported first: "
        "rename it, or use nbo in another process"
    )


def test_a_module_that_a_program_made_is_told(tmp_path: Path) -> None:
    code = "import sys, types; sys.modules['events'] = types.ModuleType('events'); import nbo"
    assert "a module events without a file is in the way" in said(run(PYTHON, "-c", code, folder=tmp_path))


def test_a_room_that_was_imported_before_is_ours(tmp_path: Path) -> None:
    assert run(PYTHON, "-c", "import config, models.settings; " + FINDS_ALL, folder=tmp_path).stdout == "found\n"


def test_an_installed_package_of_the_name_is_told_with_its_remedy(tmp_path: Path) -> None:
    package = write(tmp_path / "site-packages" / "events" / "__init__.py").parent
    refused = said(run(PYTHON, "-c", "import nbo", folder=tmp_path, path=package.parent))
    assert refused.endswith(
        f"{package} is in the way of nbo, which has a package called events: uninstall what "
        "brought it, or install nbo into an environment of its own"
    )


def test_another_folder_of_the_path_is_told_without_what_would_not_help(tmp_path: Path) -> None:
    file = write(tmp_path / "lib" / "domain.py")
    (tmp_path / "work").mkdir()
    refused = said(run(PYTHON, "-c", "import nbo", folder=tmp_path / "work", path=file.parent))
    assert refused.endswith(f"which has a package called domain: {ANOTHER_FOLDER}")


def test_another_checkout_that_is_found_first_is_used_whole(tmp_path: Path) -> None:
    other = another_checkout(tmp_path / "other")
    ended = run(PYTHON, "-c", "import nbo, config; print(nbo.__file__, config.__file__)", folder=other)
    assert ended.stdout.split() == [str(other / "nbo" / "__init__.py"), str(other / "config" / "__init__.py")]


def test_rooms_of_another_checkout_are_never_mixed_with_ours(tmp_path: Path) -> None:
    other = another_checkout(tmp_path / "other", without="nbo")
    assert f"{other / 'domain'} is in the way" in said(run(PYTHON, "-c", "import nbo", folder=other))
    halved = another_checkout(tmp_path / "halved", without="serving")
    assert f"{CHECKOUT / 'serving'} is in the way" in said(run(PYTHON, "-c", "import nbo", folder=halved))


def test_a_checkout_that_lacks_a_room_is_told(tmp_path: Path) -> None:
    halved = another_checkout(tmp_path / "halved", without="serving")
    ended = run(
        PYTHON, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(halved)!r}); import nbo", folder=tmp_path
    )
    assert f"nbo's package serving is not found: expected it in {halved}" in said(ended)


def test_a_checkout_under_two_names_is_one(tmp_path: Path) -> None:
    other = another_checkout(tmp_path / "other")
    (tmp_path / "link").symlink_to(other)
    code = f"import sys; sys.path.insert(0, {str(other)!r}); import config; sys.path[0] = {str(tmp_path / 'link')!r}"
    assert run(PYTHON, "-c", f"{code}; import nbo; print(nbo.__file__)", folder=tmp_path).stdout.startswith(
        str(tmp_path)
    )


def test_tests_of_others_beside_such_a_file_are_told(tmp_path: Path) -> None:
    write(tmp_path / "work" / "config.py")
    for folder in ("work", "other"):
        write(tmp_path / folder / "test_it.py", f"def test_it():\n    {FINDS_ALL}\n")

    def tested(*pytest: str | Path, folder: str) -> subprocess.CompletedProcess[str]:
        command = (*pytest, "-p", "no:cacheprovider")
        return run(*command, folder=tmp_path / folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")  # which takes seconds

    for command in ((PYTHON, "-m", "pytest"), (PYTHON.with_name("pytest"),)):
        failed = tested(*command, folder="work").stdout
        assert f"ImportError: {tmp_path / 'work' / 'config.py'} is in the way of nbo" in failed
        passed = tested(*command, folder="other")
        assert passed.returncode == 0, passed.stdout


def test_a_notebook_beside_such_a_file_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "models" / "__init__.py")
    cell = nbformat.v4.new_code_cell("import nbo")  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.raises(CellExecutionError) as failed:
        client.execute()
    # a kernel takes the folder up on its own, whatever is said to Python
    assert f"{file.parent} is in the way of nbo, which has a package called models: {ANOTHER_FOLDER}" in str(
        failed.value
    )


def test_the_command_works_from_any_folder_and_the_module_says_why_not(tmp_path: Path) -> None:
    write(tmp_path / "models" / "__init__.py", "raise RuntimeError('not nbo')")
    write(tmp_path / "config.py", "raise RuntimeError('not nbo')")
    checks = ("--bank", CHECKOUT / "banks" / "demo", "check")
    home = str(tmp_path / "home")
    assert run(COMMAND, *checks, folder=tmp_path, NBO_HOME=home).returncode == 0
    refused = said(run(PYTHON, "-m", "nbo", *checks, folder=tmp_path, NBO_HOME=home))
    assert f"{tmp_path / 'models'} is in the way of nbo" in refused
    assert run(PYTHON, "-P", "-m", "nbo", "--help", folder=tmp_path, NBO_HOME=home).returncode == 0


def test_what_the_command_starts_does_not_take_up_the_folder_either(tmp_path: Path) -> None:
    write(tmp_path / "models" / "__init__.py", "raise RuntimeError('not nbo')")
    code = (
        "import subprocess, sys, typer, nbo.commands\n"
        "@nbo.commands.app.command()\n"
        "def child():\n"
        "    raise SystemExit(subprocess.call([sys.executable, '-m', 'nbo', '--help']))\n"
        "sys.argv = ['nbo', 'child']\n"
        "from nbo.__main__ import main\n"
        "main()\n"
    )
    ended = run(PYTHON, "-P", "-c", code, folder=tmp_path, NBO_HOME=str(tmp_path / "home"))
    assert ended.returncode == 0, ended.stderr
