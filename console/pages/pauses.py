"""Pauses: the stop button for an offer, a channel or everything outbound, and what it holds back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from console.access import Permission
from console.languages import N_, Texts
from console.page import Content, Page, Visit
from console.tables import Column, Table
from domain.pause import PauseScope
from serving.api.problems import ProblemError
from serving.service.pauses import LONGEST_TEXT

USUAL: Final = timedelta(days=1)
"""Length of a pause that the form suggests: one that nobody remembers costs more than one that has to be renewed."""

_MINUTES: Final = "%Y-%m-%dT%H:%M"


def content(visit: Visit) -> Content:
    """Return the pauses in force, with the contacts that each holds back, and the form to begin another one."""
    texts, service = visit.texts, visit.service
    bank = service.engine.bank
    held = service.pauses.held()
    rows = [
        {
            "what": target_in_words(one.pause.scope, one.pause.name, texts),
            "reason": one.pause.reason,
            "by": one.pause.by,
            "since": one.pause.paused_at,
            "until": one.pause.until,
            "held": one.caught,
            "left": one.left,
            "scope": one.pause.scope.value,
            "name": one.pause.name,
        }
        for one in held
    ]
    columns = (
        Column("what", texts("Paused")),
        Column("reason", texts("Reason")),
        Column("by", texts("Paused by")),
        Column("since", texts("Since"), "moment"),
        Column("until", texts("Until"), "moment"),
        Column("held", texts("Waiting contacts held back"), "count"),
        Column("left", texts("Had left before"), "count"),
    )
    empty = texts("Nothing is paused.")
    local = service.clock.now().astimezone(bank.time_zone)
    values = {
        "may_pause": visit.person.may(Permission.PAUSE),
        "channels": [(f"{PauseScope.CHANNEL}:{one}", texts.name(one)) for one in bank.vocabulary.channels],
        "offers": [(f"{PauseScope.OFFER}:{one}", texts.name(one)) for one in sorted({o.name for o in bank.offers})],
        "outbound": f"{PauseScope.OUTBOUND}:",
        "until": (local + USUAL).strftime(_MINUTES),
        "now": local.strftime(_MINUTES),
        "longest": LONGEST_TEXT,
        "done": _done(visit),
    }
    return Content((Table("pauses", texts("Paused now"), columns, rows, empty),), values)


def act(visit: Visit, form: Mapping[str, str]) -> Mapping[str, str]:
    """Pause or resume; from then on nothing in its scope is handed over.

    Raises:
        ProblemError: 403 if the person may not, 422 if the form does not say what or until when.
        DataError: There is no such offer or channel, the reason is missing, or the moment has passed.
    """
    service, person = visit.service, visit.person
    if not person.may(Permission.PAUSE):
        raise ProblemError(403, "not-allowed", N_("your role does not include this page"))
    scope, name = _scope(form.get("target", ""))
    caller = f"console:{person.name}"
    if form.get("act") == "resume":
        service.pauses.resume(scope, name, by=person.name, caller=caller)
        service.read_pauses()
        return {"resumed": f"{scope}:{name}"}
    until = _until(form.get("until", ""), visit)
    result = service.pauses.pause(
        scope, name, reason=form.get("reason", ""), by=person.name, until=until, caller=caller
    )
    service.read_pauses()
    return {"paused": f"{scope}:{name}", "caught": str(result.caught), "left": str(result.left)}


def _done(visit: Visit) -> str:
    """Say what an act did; it is in the address, so that it survives a reload."""
    texts, asked = visit.texts, visit.asked
    for key in ("paused", "resumed"):
        if key in asked:
            target = target_in_words(*_scope(asked[key]), texts)
            if key == "resumed":
                return texts("{what} is no longer paused. What waited goes out if it is still allowed.", what=target)
            caught, left = (int(asked[one]) if asked.get(one, "").isdecimal() else 0 for one in ("caught", "left"))
            said = (
                texts("{what} is paused:", what=target),
                texts.plural("{n} waiting contact caught,", "{n} waiting contacts caught,", caught),
                texts("{n} had left.", n=texts.number(left)),
            )
            return " ".join(said)
    return ""


def target_in_words(scope: PauseScope, name: str, texts: Texts) -> str:
    """Say what a pause stops."""
    if scope is PauseScope.OUTBOUND:
        return texts("All outbound channels")
    words = N_("Channel {name}") if scope is PauseScope.CHANNEL else N_("Offer {name}")
    return texts(words, name=texts.name(name))


def _scope(target: str) -> tuple[PauseScope, str]:
    scope, _, name = target.partition(":")
    try:
        return PauseScope(scope), name
    except ValueError as error:
        raise ProblemError(422, "not-fit", N_("choose what to pause"), got=scope[:50]) from error


def _until(text: str, visit: Visit) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=visit.service.engine.bank.time_zone)
    except ValueError as error:
        raise ProblemError(422, "not-fit", N_("say until when it is paused"), got=text[:50]) from error


PAGE: Final = Page(name="pauses", title=N_("Pauses"), permission=Permission.FIGURES, order=28, content=content, act=act)
