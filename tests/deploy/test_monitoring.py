"""Alerts and dashboard ask for metrics that the service has, by labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.api.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}
ADDED = {"job", "instance", "le"}


def labels_of_metrics() -> dict[str, set[str]]:
    found = {}
    metrics = Metrics()
    for collector in vars(metrics).values():
        for metric in getattr(collector, "describe", list)():
            for suffix in SUFFIXES[metric.type]:
                found[metric.name + suffix] = {*collector._labelnames, *ADDED}
    return found


KNOWN = labels_of_metrics()


def expressions() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("name", "expression"), list(expressions()))
def test_every_expression_asks_for_metrics_and_labels_that_exist(name: str, expression: str) -> None:
    asked = re.findall(r"(nbo_\w+)(?:\{([^}]*)\})?", expression)
    assert asked or "up{" in expression
    for metric, selectors in asked:
        labels = re.findall(r"(\w+)\s*[=!]~?\s*\"", selectors)
        assert "job" in labels
        assert set(labels) <= KNOWN[metric]
    grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
    assert grouped <= {label for metric, _ in asked for label in KNOWN[metric]}


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    text = " ".join(expression for _, expression in expressions())
    unseen = {name for name, _ in ((one.removesuffix("_bucket"), one) for one in KNOWN) if name not in text}
    assert {name for name in unseen if not name.endswith(("_sum", "_count"))} == {"nbo_engine_swaps"}


def test_every_alert_says_what_is_the_matter_and_how_bad_it_is() -> None:
    rules: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")


def test_each_panel_has_a_place_of_its_own() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    squares = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(squares)) == len(squares)
    assert max(x for x, _ in squares) == 23
