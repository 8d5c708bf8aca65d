"""Latency and errors by route, over all workers of a service since it started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_REQUESTS = "request_seconds"
_FAILED = "5"


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """Figures of one route.

    Attributes:
        route: Method and template of the route, such as `POST /v1/decisions`.
        requests: Number of requests.
        errors: Those answered with a status of 500 or more.
        p50: Median time to answer, in seconds; the largest bound for what is beyond all bounds.
        p95: 95th percentile of the time to answer, in seconds.
    """

    route: str
    requests: int
    errors: int
    p50: float
    p95: float


def route_figures(metrics: str) -> list[RouteFigures]:
    """Compute the figures from the metrics in Prometheus's text format, busiest route first."""
    buckets: dict[str, dict[float, float]] = {}
    requests: dict[str, int] = {}
    errors: dict[str, int] = {}
    for family in text_string_to_metric_families(metrics):
        if not family.name.endswith(_REQUESTS):
            continue
        for sample in family.samples:
            route = f"{sample.labels['method']} {sample.labels['route']}"
            if sample.name.endswith("_bucket"):
                counts = buckets.setdefault(route, {})
                bound = float(sample.labels["le"])
                counts[bound] = counts.get(bound, 0.0) + sample.value
            elif sample.name.endswith("_count"):
                requests[route] = requests.get(route, 0) + int(sample.value)
                if sample.labels["status"].startswith(_FAILED):
                    errors[route] = errors.get(route, 0) + int(sample.value)
    found = [
        RouteFigures(
            route,
            count,
            errors.get(route, 0),
            quantile(sorted(buckets[route].items()), 0.5),
            quantile(sorted(buckets[route].items()), 0.95),
        )
        for route, count in requests.items()
    ]
    return sorted(found, key=lambda one: -one.requests)


def quantile(cumulative: Sequence[tuple[float, float]], share: float) -> float:
    """Return a quantile of a histogram, by linear interpolation within the bucket that contains it.

    Args:
        cumulative: Upper bound and cumulative count of each bucket, the last bound infinite.
        share: Between 0 and 1.

    Example:
        >>> quantile([(0.1, 50), (0.2, 100), (float("inf"), 100)], 0.75)
        0.15
    """
    target = share * cumulative[-1][1]
    below, low = 0.0, 0.0
    for bound, count in cumulative:
        if count >= target and count > below:
            return low if bound == float("inf") else round(low + (bound - low) * (target - below) / (count - below), 6)
        below, low = count, bound if bound != float("inf") else low
    return low
