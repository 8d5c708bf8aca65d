"""Proposals: change an offer, a rule, a lever, a limit or a budget, with care."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from config.proposals.entries import KINDS
from config.proposals.form import Field, from_form, is_written
from config.proposals.keys import values_in, with_values
from console.access import Permission
from console.languages import N_
from console.page import Content, Page, Visit
from console.proposal_tables import entry_fields, history, listed, personas, what_if
from domain.errors import DataError, NboError
from serving.api.problems import ProblemError
from serving.proposals.proposal import Proposal, ProposalState
from serving.proposals.tryouts import Tryouts
from serving.proposals.workflow import ALWAYS, ConflictError, Period, Proposals, tidy
from serving.what_if.evaluations import EvaluationRecord, evaluation_of_policy, read_evaluations

NEEDS: Final = {
    "draft": Permission.PROPOSE,
    "remove": Permission.PROPOSE,
    "edit": Permission.PROPOSE,
    "try": Permission.PROPOSE,
    "apply": Permission.PROPOSE,
    "withdraw": Permission.PROPOSE,
    "return": Permission.PROPOSALS,
    "approve": Permission.APPROVE,
}
"""What each act asks of the person."""


def content(visit: Visit) -> Content:
    """Return the list of proposals, and the one that is looked at or begun."""
    tryouts = _tryouts(visit)
    proposals, texts = tryouts.proposals, visit.texts
    everything = proposals.all()
    number = visit.asked.get("number", "")
    chosen = proposals.get(int(number)) if number.isdecimal() else None
    values: dict[str, Any] = {
        "chosen": chosen,
        "entries": proposals.entries(),
        "kinds": tuple(KINDS),
        "may_propose": visit.person.may(Permission.PROPOSE),
        "may_approve": visit.person.may(Permission.APPROVE),
        "running": False,
    }
    tables = [listed(everything, texts)]
    if chosen is not None:
        tables += [personas(chosen, texts), *what_if(chosen, texts), history(chosen, texts)]
        base = proposals.base()
        values |= {
            "running": tryouts.is_running(chosen.number),
            "error": tryouts.error(chosen.number),
            "problems": proposals.problems(chosen.kind, chosen.name, chosen.entry),
            "missing": proposals.missing(chosen) if chosen.state is ProposalState.OPEN else [],
            "others": proposals.others(chosen),
            "approved": chosen.is_approved(base),
            "risky": proposals.risk_of(chosen) if chosen.state is ProposalState.OPEN else (),
            "own": visit.person.name in chosen.authors,
            "open": chosen.state is ProposalState.OPEN,
            "evaluation": _evaluation(visit, chosen),
            "waits": chosen.start is not None and visit.service.clock.now() < chosen.start,
        }
    kind = visit.asked.get("kind", "") if chosen is None else chosen.kind
    if kind in KINDS:
        name = visit.asked.get("name", "").strip() if chosen is None else chosen.name
        fields, today = proposals.fields(kind), proposals.entry(kind, name)
        tables.append(entry_fields(fields, texts))
        entry = chosen.entry if chosen is not None else today or with_values("", {"name": name})
        period = ALWAYS if chosen is None else (chosen.start, chosen.end)
        values |= dict(zip(("starts_at", "ends_at"), (_local(visit, one) for one in period), strict=True))
        values |= {"kind": kind, "name": name, "entry": entry, "is_new": today is None, **_form(visit, fields, entry)}
    else:
        values |= {"kind": None}
    return Content(tuple(tables), values)


def _evaluation(visit: Visit, proposal: Proposal) -> EvaluationRecord | None:
    """Return the newest evaluation of the policy as proposed, on the folder as it is; None if there is none."""
    if not any(one.kind == "policy" for one in read_evaluations(visit.sources.figures)):
        return None  # without reading the folder
    try:
        bank = _tryouts(visit).proposals.bank_with(proposal)
    except NboError:
        return None  # the page shows the problems
    return evaluation_of_policy(visit.sources.figures, bank.digest)


def _form(visit: Visit, fields: Sequence[Field], entry: str) -> Mapping[str, Any]:
    """Return the fields with what they hold; none of them if the entry can only be changed as text."""
    unreadable = None
    try:
        said = values_in(entry)
    except DataError as error:
        unreadable = str(error)
    as_text = visit.asked.get("as") == "text" or unreadable is not None or not entry
    filled = () if as_text else [(field, said.get(field.name, "")) for field in fields if field.name != "name"]
    shown = [
        {
            "field": field,
            "written": is_written(field, value),
            "value": value if isinstance(value, str) else "",
            "listed": value if isinstance(value, tuple) else (),
            "others": ", ".join(item for item in value if item not in field.choices)
            if isinstance(value, tuple)
            else "",
        }
        for field, value in filled
    ]
    return {"as_text": as_text, "unreadable": unreadable, "form": shown}


def check(visit: Visit, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Say what `nbo check` would say of the folder with what a form says, and how that would be written."""
    proposals = _tryouts(visit).proposals
    kind, name = form.get("kind", ""), form.get("name", "")
    try:
        entry = _entry(proposals, kind, form)
        problems = proposals.problems(kind, name, entry)
    except DataError as error:
        entry, problems = form.get("entry", ""), [str(error)]
    return {"problems": problems, "entry": entry}


def _entry(proposals: Proposals, kind: str, form: Mapping[str, str]) -> str:
    """Return the entry that a form means: its text, with the fields that it has."""
    entry = form.get("entry", "")
    return from_form(proposals.fields(kind), tidy(entry), form) if "fields" in form else entry


def act(visit: Visit, form: Mapping[str, str]) -> Mapping[str, str]:
    """Do what a form asks for; the address then shows the proposal.

    Raises:
        ProblemError: 403 if the role does not include it; 409 if somebody was faster or something is missing.
    """
    wanted = form.get("act", "")
    if wanted not in NEEDS:
        raise ProblemError(422, "not-fit", N_("there is no such act"), got=wanted[:50], expected=", ".join(NEEDS))
    if not visit.person.may(NEEDS[wanted]):
        raise ProblemError(403, "not-allowed", N_("your role does not include this"), expected=NEEDS[wanted].value)
    try:
        return {"number": str(_done(visit, wanted, form))}
    except ConflictError as error:
        raise ProblemError(409, "conflict", str(error)) from error
    except DataError as error:
        raise ProblemError(422, "not-fit", str(error)) from error


def _done(visit: Visit, wanted: str, form: Mapping[str, str]) -> int:
    tryouts, who = _tryouts(visit), visit.person.name
    proposals = tryouts.proposals
    if wanted == "draft":
        kind = form.get("kind", "")
        entry, period = _entry(proposals, kind, form), _period(visit, form)
        return proposals.draft(who, kind, form.get("name", ""), entry, period).number
    if wanted == "remove":
        return proposals.draft(who, form.get("kind", ""), form.get("name", ""), "").number
    number = _whole(form, "number")
    match wanted:
        case "edit":
            before = proposals.get(number)
            entry, period = _entry(proposals, before.kind, form), _period(visit, form, before)
            proposals.edit(number, who, _whole(form, "version"), entry, period)
        case "try":
            tryouts.start(number, who, visit.service.clock.now())
        case "approve":
            proposals.approve(number, who, visit.person.roles)
        case "apply":
            proposals.apply(number, who, visit.service.clock.now())
        case "withdraw":
            proposals.withdraw(number, who)
        case "return":
            proposals.give_back(number, who, visit.person.roles)
    return number


def _period(visit: Visit, form: Mapping[str, str], before: Proposal | None = None) -> Period:
    """Return when a proposal starts and ends by itself; what the form does not say stays as it was."""
    known = ALWAYS if before is None else (before.start, before.end)
    start, end = (
        _moment(visit, form[name]) if name in form else moment
        for name, moment in zip(("starts_at", "ends_at"), known, strict=True)
    )
    return start, end


def _moment(visit: Visit, text: str) -> datetime | None:
    """Read a local time of the bank."""
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=visit.service.engine.bank.time_zone)
    except ValueError:
        raise DataError("not a time", got=f"'{text[:50]}'", expected="such as 2026-01-31T08:00") from None


def _local(visit: Visit, moment: datetime | None) -> str:
    """Write a moment as a field of a form does."""
    zone = visit.service.engine.bank.time_zone
    return "" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _whole(form: Mapping[str, str], name: str) -> int:
    if not form.get(name, "").isdecimal():
        raise DataError(f"{name} is not a number", got=f"'{form.get(name, '')[:50]}'")
    return int(form[name])


def _tryouts(visit: Visit) -> Tryouts:
    if visit.sources.proposals is None:
        raise ProblemError(404, "not-found", N_("this bank cannot be changed from here"))
    return visit.sources.proposals


PAGE: Final = Page(
    name="proposals",
    title=N_("Proposals"),
    permission=Permission.PROPOSALS,
    order=25,
    content=content,
    act=act,
    check=check,
)
