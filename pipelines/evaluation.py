"""Evaluation of another policy or model on the bank's own logged decisions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from config.bank import Bank
from config.changes import changed_bank
from config.reading import load_bank
from domain.errors import DataError
from models.registry import RegisteredModel
from serving.what_if.evaluations import EvaluationRecord, keep_evaluation, proposal_of
from serving.what_if.logged import evaluation_arrays, logged_outcomes
from wiring.components import Components
from wiring.proposals import proposals_of


def evaluate_logged(components: Components, subject: Path, until: datetime) -> EvaluationRecord:
    """Estimate what another policy or model would have earned where this bank's decisions were made and presented.

    Only decisions whose response windows ended before `until` count. Another policy is scored by the same models;
    another model decides by the same policy, and only where it had not seen the outcome. The result is kept for the
    console.

    Args:
        components: The bank's components.
        subject: A folder of YAML of the same bank, a file with a change (`config.changes`), a proposal
            (`proposal:NUMBER`), or a version or alias of the propensity model.
        until: Moment of the evaluation, aware.

    Raises:
        ConfigurationErrors: The policy is invalid.
        DataError: It belongs to another bank, there is no such policy or model, or no decision has an outcome.
        NotFoundError: There is no such proposal.
    """
    outcomes = logged_outcomes(components.decision_log, components.log, components.bank, until)
    policy = _policy(components, subject)
    if policy is not None:
        decider = components.decider().for_bank(policy)
    else:
        model = _model(components, subject)
        outcomes = outcomes.since(model.data_last)
        decider = components.models.files_with(model, components.places.champions).decider(components.bank)
    arrays = evaluation_arrays(outcomes, decider, components.log, components.places.decisions)
    record = EvaluationRecord(
        bank=components.name,
        kind="model" if policy is None else "policy",
        subject=subject.name,
        as_of=until,
        currency=decider.bank.identity.currency,
        customers=len(set(arrays.customer.tolist())),
        left_out=outcomes.left_out,
        versions=decider.versions,
        found=arrays.evaluation(),
    )
    keep_evaluation(components.places.figures, record)
    return record


def _policy(components: Components, subject: Path) -> Bank | None:
    """Return the bank with another policy; None if the subject is none."""
    number = proposal_of(str(subject))
    if number is not None:
        proposals = proposals_of(components, components.decider)
        return proposals.bank_with(proposals.get(number))
    if not subject.exists():
        return None
    if not subject.is_dir():
        return changed_bank(components.folder, subject)
    other = load_bank(subject)
    if other.identity.name != components.name:
        raise DataError("the policy is another bank's", got=other.identity.name, expected=components.name)
    return other


def _model(components: Components, subject: Path) -> RegisteredModel:
    name = f"{components.name}-propensity"
    found = components.models.registry.named(name, str(subject))
    if found is None:
        raise DataError(
            "there is no such policy or model",
            got=f"'{subject}'",
            expected=f"a folder, a file with a change, proposal:NUMBER, or a version or alias of {name}",
        )
    return found
