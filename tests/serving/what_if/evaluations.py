"""Evaluations to keep and to show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from decisioning.off_policy.evaluate import PolicyEvaluation
from serving.what_if.evaluations import EvaluationRecord
from tests.serving.build import AS_OF


def record_of(found: PolicyEvaluation, subject: str, **more: Any) -> EvaluationRecord:
    """Return an evaluation with these figures."""
    usual = {
        "bank": "demo",
        "kind": "policy",
        "as_of": AS_OF,
        "made_at": datetime(2026, 3, 3, 9, 0, tzinfo=UTC),
        "currency": "EUR",
        "customers": found.support.decisions,
        "left_out": {"cite no decision": 150},
        "versions": {"bank": "b" * 64, "policy": "c" * 64, "demo-propensity": "7:ab12"},
    }
    return EvaluationRecord(subject=subject, found=found, **{**usual, **more})
