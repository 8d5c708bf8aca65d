"""The rollout of a bank's propensity challenger: what stage it is in, what its gates say, and its steps."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from decisioning.off_policy.verdict import Verdict, Word
from domain.errors import ModelError, NotFoundError
from domain.health import Light, Reading
from models.registry import CHALLENGER, CHAMPION, FORMER, SHADOW, SLICE, Alias, ModelRegistry, Move, RegisteredModel
from records.audit import AuditEntry, AuditWriter
from records.event_rows import microseconds
from records.model_calls import calls_since
from serving.beside import Calls, slice_trial
from serving.decider import Decider
from serving.rollout.evidence import RECENT, EvidenceSources
from serving.rollout.gate import GateAnswer, readings_of_gates, verdict_of_all
from serving.rollout.gates import ROLLING_BACK, gates_of
from serving.rollout.report import RolloutReport, keep_report
from serving.rollout.requests import answered, asked_back
from serving.rollout.state import RolloutState
from serving.trial_results import slice_report
from serving.what_if.evaluations import EvaluationRecord, keep_evaluation
from serving.what_if.logged import TOO_LATE
from wiring.components import Components
from wiring.models import publish_champions

_LOG: Final = logging.getLogger("nbo.models")

ITSELF: Final = "nbo"
"""Who rolls back where nobody has to ask."""


@dataclass(frozen=True, slots=True)
class RolloutControl:
    """Reads a rollout and takes its steps; every step is in the tags of the version and in the audit.

    Args:
        components: The bank.
        caller: Who calls, for the audit.
    """

    components: Components
    caller: str

    def state(self, now: datetime) -> RolloutState:
        """Return where the rollout stands."""
        challenger, champion, former = (self._find(alias) for alias in (CHALLENGER, CHAMPION, FORMER))
        for alias in (SLICE, SHADOW):
            model = self._find(alias)
            if model is not None:
                moves = self._registry.moves(model)
                return RolloutState(
                    stage=alias,
                    model=model,
                    since=_since(moves, alias),
                    other=champion,
                    challenger=challenger,
                    moves=tuple(moves),
                )
        moves = [] if champion is None else self._registry.moves(champion)
        since = _since(moves, CHAMPION)
        settings = self.components.bank.models.rollout
        until = None if since is None else since + timedelta(days=settings.watched_days)
        is_watched = settings.required and former is not None and until is not None and now < until
        return RolloutState(
            stage=CHAMPION if is_watched else None,
            model=champion if is_watched else None,
            since=since if is_watched else None,
            other=former,
            challenger=challenger,
            moves=tuple(moves),
        )

    def gates(self, state: RolloutState, now: datetime) -> tuple[GateAnswer, ...]:
        """Put the version under way to all gates; empty if nothing is under way."""
        return self._put(state, now)[0]

    def _put(self, state: RolloutState, now: datetime) -> tuple[tuple[GateAnswer, ...], EvaluationRecord | None]:
        """Return the gates and, of a version on its way into charge, the evaluation that the value gate reads."""
        if state.model is None or state.other is None or state.since is None:
            return (), None
        parts, bank = self.components, self.components.bank
        settings, first = bank.models.rollout, (now - RECENT).astimezone(bank.time_zone).date()
        ledger = EvidenceSources(bank, parts.log, parts.decision_log, parts.places.decisions)
        model, other = self._decider(state.model), self._decider(state.other)
        trial = None
        if state.stage == SLICE and any(offer.counts_as for offer in bank.offers):
            part = slice_trial(state.model.name, state.model.version, settings.slice_share)
            trial = slice_report(parts.log, bank, part, state.since, now).result
        days = (now - state.since) / timedelta(days=1)
        said = f"{days:.1f} days in the {state.stage}; {settings.minimum_days} are needed"
        calls = Calls(**calls_since(parts.database, state.model.cited, first))
        matured = ledger.matured(model, other, max(state.model.data_last, state.other.data_last), now)
        gates = (
            *gates_of(settings, matured, ledger.recent(model, now), calls, trial),
            GateAnswer("days", Verdict(Word.SHIP if days >= settings.minimum_days else Word.HOLD, said), days),
        )
        if matured is None or matured.evaluation is None or state.stage == CHAMPION:
            return gates, None
        late = len(matured.accepted) - len(matured.comparable)
        return gates, EvaluationRecord(
            bank=parts.name,
            kind="model",
            subject=state.model.version,
            as_of=now,
            currency=bank.identity.currency,
            customers=len(set(matured.arrays.customer[matured.comparable].tolist())),
            left_out={**matured.left_out, **({TOO_LATE: late} if late else {})},
            versions=model.versions,
            found=matured.evaluation,
            is_watched=True,
        )

    def start(self, *, by: str, why: str, now: datetime) -> RolloutState:
        """Put the challenger into the shadow.

        Raises:
            ModelError: Another version is under way, or there is no challenger, no champion, or a failed gate.
        """
        state = self.state(now)
        if state.stage in {SHADOW, SLICE} and state.model is not None:
            got = f"version {state.model.version} in the {state.stage}"
            raise ModelError("a rollout is under way", got=got, remedy="nbo rollout back ends it")
        if self._find(CHAMPION) is None:
            raise ModelError("there is no champion to compare with", remedy="train until a model passes its gate")
        if state.challenger is None:
            raise ModelError(f"there is no challenger of {self._name}", remedy="train one: nbo train")
        if not self._registry.has_passed(state.challenger):
            remedy = "nbo experiments says why; train a better one"
            raise ModelError(f"version {state.challenger.version} has not passed its gate", remedy=remedy)
        self._give(state.challenger, Move(at=now, alias=SHADOW, by=by, why=why))
        return self.state(now)

    def next(self, *, by: str, why: str, now: datetime) -> RolloutState:
        """Take the next step, from the shadow to the slice or from there into charge, if all gates say ship.

        Raises:
            ModelError: Nothing is under way, or a gate says hold or stop.
        """
        state = self.state(now)
        if state.model is None or state.stage not in {SHADOW, SLICE}:
            raise ModelError("no rollout is under way", remedy="nbo rollout start begins one")
        verdict = verdict_of_all(self.gates(state, now))
        if verdict.word is not Word.SHIP:
            raise ModelError(f"version {state.model.version} stays in the {state.stage}", got=str(verdict))
        if state.stage == SHADOW:
            self._expect_no_trial(now)
            self._give(state.model, Move(at=now, alias=SLICE, by=by, why=why))
            self._take(state.model, Move(at=now, alias=SHADOW, by=by, why="it is in the slice now", given=False))
        else:
            self._registry.promote(state.model, by=by, why=why, at=now)
            self._done(f"version {state.model.version} of {self._name} is champion, by {by}: {why}", now)
        return self.state(now)

    def back(self, *, by: str, why: str, now: datetime) -> RolloutState:
        """End the rollout under way, or else put the former champion back in charge.

        Raises:
            NotFoundError: There is nothing to go back to.
        """
        state = self.state(now)
        if state.model is not None and state.stage in {SHADOW, SLICE}:
            self._take(state.model, Move(at=now, alias=state.stage, by=by, why=why, given=False))
            return self.state(now)
        former, champion = self._find(FORMER), self._find(CHAMPION)
        if former is None or champion is None:
            raise NotFoundError(
                f"there is no former champion of {self._name}", remedy="pause offers instead: nbo pause"
            )
        self._registry.give(former, Move(at=now, alias=CHAMPION, by=by, why=why))
        self._registry.note(champion, Move(at=now, alias=CHAMPION, by=by, why=why, given=False))
        self._registry.take(former, Move(at=now, alias=FORMER, by=by, why="it is the champion again", given=False))
        self._done(f"version {former.version} of {self._name} is champion again, by {by}: {why}", now)
        return self.state(now)

    def report(self, now: datetime, *, with_gates: bool = True) -> RolloutReport:
        """Report where the rollout stands.

        Args:
            now: Aware moment.
            with_gates: Whether the gates are put, which may take some time.
        """
        state = self.state(now)
        return self._report(state, self.gates(state, now) if with_gates else (), now)

    def check(self, now: datetime) -> list[Reading]:
        """Take the readings of the gates, store report and evaluation, and roll back if one of the gates asks for it.

        Returns:
            A reading for each gate, and one that is red if the version was taken back.
        """
        state = self.state(now)
        gates, evaluation = self._put(state, now)
        keep_report(self.components.places.figures, self._report(state, gates, now))
        if evaluation is not None:
            keep_evaluation(self.components.places.figures, evaluation)
        found = readings_of_gates(gates)
        failed = [gate for gate in gates if gate.name in ROLLING_BACK and gate.verdict.word is Word.STOP]
        if failed and state.model is not None:
            why = "; ".join(gate.verdict.reason for gate in failed)
            self.back(by=ITSELF, why=why, now=now)
            said = f"version {state.model.version} was taken back from the {state.stage}: {why}"
            found.append(Reading(check="rollout", subject="back", light=Light.RED, value=None, sentence=said))
        return found

    def _report(self, state: RolloutState, gates: tuple[GateAnswer, ...], now: datetime) -> RolloutReport:
        return RolloutReport.of(self._name, state, gates, self.components.bank.models.rollout.slice_share, now)

    def _expect_no_trial(self, now: datetime) -> None:
        day = now.astimezone(self.components.bank.time_zone).date()
        for trial in self.components.bank.policy.trials:
            if trial.models and trial.starts <= day <= trial.ends:
                remedy = f"wait until {trial.ends}, or end the trial"
                raise ModelError(f"the trial {trial.name} compares models now", got="a slice beside it", remedy=remedy)

    @property
    def _registry(self) -> ModelRegistry:
        return self.components.models.registry

    @property
    def _name(self) -> str:
        return f"{self.components.name}-propensity"

    def _find(self, alias: Alias) -> RegisteredModel | None:
        return self._registry.find(self._name, alias)

    def _decider(self, model: RegisteredModel) -> Decider:
        """Return the bank's decider with a version in charge, and none beside it."""
        parts = self.components
        return parts.models.files_with(model, parts.places.champions).decider(parts.bank)

    def _give(self, model: RegisteredModel, move: Move) -> None:
        self._registry.give(model, move)
        self._done(f"version {model.version} of {model.name}: {move.sentence}", move.at)

    def _take(self, model: RegisteredModel, move: Move) -> None:
        self._registry.take(model, move)
        self._done(f"version {model.version} of {model.name}: {move.sentence}", move.at)

    def _done(self, detail: str, now: datetime) -> None:
        """Tell services of the step, and the audit; gates of the stage before say nothing any more."""
        publish_champions(self.components)
        keep_report(self.components.places.figures, self.report(now, with_gates=False))
        line = AuditEntry(at=microseconds(now), caller=self.caller, act="rollout", detail=detail)
        with self.components.database.transaction(patient=True) as connection:
            AuditWriter(self.components.database).together(connection, [line])


def do_what_is_asked(components: Components, now: datetime) -> None:
    """Take a model back if a service was asked to; a request that cannot be met is dropped.

    Raises:
        StateError: The request is damaged.
    """
    folder = components.places.champions
    request = asked_back(folder)
    if request is None:
        return
    try:
        RolloutControl(components, request.caller).back(by=request.by, why=request.why, now=now)
    except NotFoundError as error:
        _LOG.error("nothing was taken back: %s", error)
    answered(folder)


def _since(moves: list[Move], alias: Alias) -> datetime | None:
    given = [move.at for move in moves if move.alias == alias and move.given]
    return given[-1] if given else None
