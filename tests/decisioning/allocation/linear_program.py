"""The whole linear program, one variable for every customer and candidate, solved by HiGHS: what prices are held to."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from decisioning.allocation.master import Solver
from decisioning.allocation.problem import CustomerChunk


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    value: float
    used: np.ndarray


def solve_whole(chunk: CustomerChunk, capacity: np.ndarray) -> Optimum:
    """Maximise gain x over x >= 0, sum_j x_ij <= 1, sum consumption x <= capacity."""
    rows, columns = np.nonzero(chunk.gain > 0)  # what gains nothing is never taken; NaN neither
    customers, resources = len(chunk), len(capacity)
    if not len(rows):
        return Optimum(0.0, np.zeros(resources))
    amounts = np.stack([chunk.taken(resource, rows, columns) for resource in range(resources)])
    present = np.vstack([np.ones((1, len(rows)), dtype=bool), amounts != 0])
    indices = np.vstack([rows[None], np.broadcast_to(customers + np.arange(resources)[:, None], amounts.shape)])
    values = np.vstack([np.ones((1, len(rows))), amounts])
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(rows), customers + resources
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = chunk.gain[rows, columns]
    lp.col_lower_, lp.col_upper_ = np.zeros(len(rows)), np.full(len(rows), highspy.kHighsInf)
    lp.row_lower_ = np.full(customers + resources, -highspy.kHighsInf)
    lp.row_upper_ = np.concatenate([np.ones(customers), capacity])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(present.sum(axis=0))]).astype(np.int32)
    lp.a_matrix_.index_ = indices.T[present.T].astype(np.int32)
    lp.a_matrix_.value_ = values.T[present.T]
    solver = Solver()
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        solver.setOptionValue(option, 1e-9)
    solver.passModel(lp)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    taken = np.array(solver.getSolution().col_value)
    return Optimum(solver.getInfo().objective_function_value, amounts @ taken)
