"""The HiGHS solver, limited to one thread and silent on the console."""

from __future__ import annotations

import highspy


class Solver(highspy.Highs):
    """A solver of linear programs that prints nothing, not even its banner.

    Example:
        >>> solver = Solver()
        >>> _ = solver.addVar(0.0, 3.0), solver.changeColCost(0, -1.0), solver.run()
        >>> solver.getInfo().objective_function_value
        -3.0
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library ships it without types

    def enableCallbacks(self) -> None:  # noqa: N802 - the library's name
        """Switch off output first: the library's constructor calls this before anything that would print."""
        self.setOptionValue("output_flag", False)
        self.setOptionValue("threads", 1)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # the library ships it without types
