"""Always-valid intervals: they hold however often one looks, so that a trial may be watched every day."""

from __future__ import annotations

import math

from domain.errors import DataError
from domain.estimate import LEVEL, Estimate


def always_valid(value: float, standard_error: float, expected: float) -> Estimate:
    """Return an interval that covers the truth at all looks together with the promised probability.

    The mixture sequential probability ratio test, inverted (Johari, Koomen, Pekelis and Walsh 2022): under a normal
    mixture with standard deviation tau, |estimate - truth| < sqrt(V (V + tau^2) / tau^2 (ln((V + tau^2) / V) - 2 ln
    alpha)). It is wider than an interval for one look, least so where the effect is about tau.

    Args:
        value: Estimate of an effect, such as a difference of means.
        standard_error: Its standard error, above 0.
        expected: tau: the effect that is hoped for, in the same unit; fixed before the first look.

    Raises:
        DataError: A number is not usable.

    Example:
        >>> found = always_valid(1.0, 0.2, expected=1.0)
        >>> round(found.low, 2), round(found.high, 2)
        (0.38, 1.62)
    """
    if not (math.isfinite(value) and standard_error > 0.0 and expected > 0.0):
        got = f"value {value:g}, standard error {standard_error:g}, expected {expected:g}"
        raise DataError("no interval can be computed", got=got, expected="a number, and two above 0")
    variance, mixture = standard_error**2, expected**2
    both = variance + mixture
    half = math.sqrt(variance * both / mixture * (math.log(both / variance) - 2.0 * math.log(1.0 - LEVEL)))
    return Estimate(value, value - half, value + half)


def shrunk(value: float, standard_error: float, expected: float) -> float:
    """Return what is left of an effect that was chosen because it looked good.

    The posterior mean under a normal prior around 0 with standard deviation `expected`: the largest of many estimates
    are large partly by chance.

    Example:
        >>> round(shrunk(1.0, 0.5, expected=0.5), 9)
        0.5
    """
    return value * expected**2 / (expected**2 + standard_error**2)
