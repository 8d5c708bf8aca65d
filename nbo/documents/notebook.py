"""Execute examples/compare_models.ipynb in place, on the demo bank's state: `python -m nbo.documents.notebook`."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from config.files import COMMON_FEATURES
from domain.errors import StateError

NOTEBOOK = COMMON_FEATURES.parent.parent / "examples" / "compare_models.ipynb"


def execute(path: Path) -> None:
    """Run all cells in order in a fresh kernel and store their outputs, without metadata that changes between runs.

    Raises:
        StateError: A cell printed a warning or a path of this machine, which do not belong in a published notebook.
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call] # nbformat has no types here
    NotebookClient(notebook, timeout=600, record_timing=False, resources={"metadata": {"path": path.parent}}).execute()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position}"
        for output in cell.get("outputs", ()):
            if output.output_type == "error" or output.get("name") == "stderr":
                raise StateError(f"cell {position} of {path.name} warns", got=str(output)[:500])
            if str(path.parent.parent) in str(output):
                raise StateError(f"cell {position} of {path.name} shows a path of this machine")
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call] # nbformat has no types here


def main() -> None:
    """Execute the notebook."""
    execute(NOTEBOOK)


if __name__ == "__main__":
    main()
