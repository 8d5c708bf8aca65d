"""Evaluation of another policy or model on the bank's own logged decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from config.bank import Bank
from config.changes import changed_bank
from config.reading import load_bank
from domain.errors import DataError
from models.registry import RegisteredModel
from serving.decider import Decider
from serving.what_if.evaluation_arrays import evaluation_arrays
from serving.what_if.evaluations import EvaluationRecord, Kind, keep_evaluation, proposal_of
from serving.what_if.logged import TOO_LATE, LoggedOutcomes, logged_outcomes, longest_window
from serving.what_if.randomised_contacts import with_randomised_contacts
from wiring.components import Components
from wiring.proposals import proposals_of

EVALUATED_PERIOD: Final = timedelta(days=63)
"""Time whose contacts judge a model that has not seen them: nine weeks, with each weekday as often as the others."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is evaluated, and on what.

    Attributes:
        outcomes: Decisions that can be compared, with what came of them.
        decider: The other policy with its models, or the bank's policy with the other model.
        kind: Whether it is another policy or another model.
    """

    outcomes: LoggedOutcomes
    decider: Decider
    kind: Kind


def evaluate_logged(
    components: Components, subject: Path, until: datetime, model: str | None = None
) -> EvaluationRecord:
    """Estimate what another policy or model would have earned, and keep it for the console.

    Arguments and errors are those of `compared`.
    """
    found = compared(components, subject, until, model)
    arrays = evaluation_arrays(found.outcomes, found.decider, components.log, components.places.decisions)
    record = EvaluationRecord(
        bank=components.name,
        kind=found.kind,
        subject=subject.name if model is None else f"{subject.name} with {model}",
        as_of=until,
        currency=found.decider.bank.identity.currency,
        customers=len(set(arrays.customer.tolist())),
        left_out=found.outcomes.left_out,
        versions=found.decider.versions,
        found=arrays.evaluation(),
    )
    keep_evaluation(components.places.figures, record)
    return record


def compared(components: Components, subject: Path, until: datetime, model: str | None = None) -> Compared:
    """Return another policy or model, and the decisions that were made and presented on which it can be judged.

    Only decisions whose response windows ended before `until` count. Another policy is scored by the champions unless a
    model is named; another model decides by the same policy. A named model is judged only on what came after its
    training data, and so is everybody on contacts of other systems.

    Args:
        components: The bank's components.
        subject: A folder of YAML of the same bank, a file with a change (`config.changes`), a proposal
            (`proposal:NUMBER`), or a version or alias of the propensity model.
        until: Moment of the evaluation, aware.
        model: Version or alias of the propensity model that scores for a policy; None for the champion.

    Raises:
        ConfigurationErrors: The policy is invalid.
        DataError: It belongs to another bank, there is no such policy or model, no decision has an outcome, or two
            models are named.
        NotFoundError: There is no such proposal.
    """
    policy, registered = _subject(components, subject, model)
    own, log, folder = components.decider(), components.log, components.places.decisions
    if registered is not None:
        seen = registered.data_last
        files = components.models.files_with(registered, components.places.champions)
        decider = files.decider(policy or components.bank)
    else:
        assert policy is not None, "the subject is a policy or a model"
        champion = components.models.champion("propensity")
        decider, seen = own.for_bank(policy), until if champion is None else champion.data_last
    outcomes = logged_outcomes(components.decision_log, log, components.bank, until)
    if registered is not None:
        outcomes = outcomes.since(seen)
    outcomes = with_randomised_contacts(outcomes, own, log, folder, seen)
    outcomes = outcomes.take(outcomes.comparable_rows(components.bank.offers, until), TOO_LATE)
    return Compared(outcomes, decider, "model" if policy is None else "policy")


def earlier_training_day(bank: Bank, latest: datetime) -> date | None:
    """Return the day as of which to train a model that contacts of other systems can judge.

    Args:
        bank: The bank.
        latest: Its latest news, aware.

    Returns:
        A day that leaves `EVALUATED_PERIOD` to judge on; None if no probabilities of such contacts are recorded.
    """
    contacts = bank.vocabulary.contacts
    if contacts is None or contacts.selection_probability_property is None:
        return None
    return (latest - longest_window(bank.offers) - EVALUATED_PERIOD).astimezone(bank.time_zone).date()


def _subject(components: Components, subject: Path, model: str | None) -> tuple[Bank | None, RegisteredModel | None]:
    """Return the bank with another policy, if the subject is one, and the model that is named, if one is."""
    policy = _policy(components, subject)
    if policy is None:
        if model is not None:
            raise DataError("two models are named", got=f"{subject} and {model}", expected="a policy and its model")
        return None, _model(components, str(subject))
    return policy, None if model is None else _model(components, model)


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


def _model(components: Components, subject: str) -> RegisteredModel:
    name = f"{components.name}-propensity"
    found = components.models.registry.named(name, subject)
    if found is None:
        raise DataError(
            "there is no such policy or model",
            got=f"'{subject}'",
            expected=f"a folder, a file with a change, proposal:NUMBER, or a version or alias of {name}",
        )
    return found
