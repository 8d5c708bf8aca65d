"""Division with a defined result where the denominator is not positive."""

from __future__ import annotations

import numpy as np

from expressions.types import Array


def ratio(numerator: Array | float, denominator: Array | float, otherwise: float = np.nan) -> Array:
    """Divide where the denominator is positive.

    Args:
        numerator: Any shape.
        denominator: A shape that broadcasts with it.
        otherwise: The result where the denominator is not positive.

    Example:
        >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
        [0.25, nan]
    """
    above, below = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    result: Array = np.full(above.shape, otherwise)
    np.divide(above, below, out=result, where=below > 0.0)
    return result
