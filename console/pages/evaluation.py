"""Evaluation: what another policy or model would have earned, ship, hold or stop, from logged decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.access import Permission
from console.evaluations import estimator_chart, figures_of, weight_chart
from console.languages import N_, Texts
from console.languages.sentences import in_words
from console.page import Content, Page, Visit
from console.tables import Column, Table
from decisioning.off_policy.evaluate import HEADLINE
from serving.what_if.evaluations import EvaluationRecord, proposal_of, read_evaluations


def content(visit: Visit) -> Content:
    """Return the evaluations that were made, and the figures of one of them: by default the newest."""
    texts = visit.texts
    made = {one.key: one for one in read_evaluations(visit.sources.figures)}
    if not made:
        return Content((_listed((), texts),), {"one": None})
    one = made[visit.choice("evaluation", tuple(made))]
    values = {
        "one": one,
        "subject": _subject(one, texts),
        "proposal": proposal_of(one.subject) if visit.person.may(Permission.PROPOSALS) else None,
        "headline": HEADLINE,
        "estimator_chart": estimator_chart(one, texts),
        "weight_chart": weight_chart(one, texts),
    }
    return Content((_listed(tuple(made.values()), texts), *figures_of(one, texts)), values)


def _listed(made: Sequence[EvaluationRecord], texts: Texts) -> Table:
    rows = [
        {
            "evaluation": one.key,
            "kind": one.kind,
            "subject": _subject(one, texts),
            "as_of": one.as_of,
            "made_at": one.made_at,
            "is_watched": one.is_watched,
            "verdict": one.found.verdict.word.value,
            "reason": in_words(one.found.verdict.reason, texts),
        }
        for one in made
    ]
    columns = (
        Column("subject", texts("What was evaluated")),
        Column("as_of", texts("As of"), "moment"),
        Column("verdict", texts("Verdict"), "name"),
        Column("reason", texts("Reason")),
    )
    return Table("evaluations", texts("All evaluations"), columns, rows, texts("Nothing was evaluated yet."))


def _subject(one: EvaluationRecord, texts: Texts) -> str:
    proposal = proposal_of(one.subject)
    if proposal is not None:
        return texts("Proposal {n}", n=proposal)
    return texts("Model {name}", name=one.subject) if one.kind == "model" else texts("Policy {name}", name=one.subject)


PAGE: Final = Page(name="evaluation", title=N_("Evaluation"), permission=Permission.MODELS, order=39, content=content)
