"""HiGHS, which minds its own business: one thread, and not a word on the console."""

from __future__ import annotations

import highspy


class Solver(highspy.Highs):
    """A solver of linear programs that prints nothing, not even its name.

    Example:
        >>> solver = Solver()
        >>> _ = solver.addVar(0.0, 3.0), solver.changeColCost(0, -1.0), solver.run()
        >>> solver.getInfo().objective_function_value
        -3.0
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library ships it without types

    def enableCallbacks(self) -> None:  # noqa: N802 - the library's name
        """Fall silent first: this is the first call of the library's constructor, and the first that would print."""
        self.setOptionValue("output_flag", False)
        self.setOptionValue("threads", 1)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # the library ships it without types
