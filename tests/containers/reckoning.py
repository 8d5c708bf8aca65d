"""What was acknowledged against what is in the database: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.containers.load import Load
from tests.containers.stack import Stack


@dataclass(frozen=True)
class Reckoning:
    """Counts of what is not as it should be; all of them have to be zero.

    Attributes:
        lost_decisions: Acknowledged, and not in the database.
        double_decisions: In the database beside the one that the request was answered with.
        lost_events: Acknowledged, and not in the journal, or after an import not in the event log.
        double_events: In the journal or the event log more than once.
        other_answers: Requests that are answered otherwise when they are asked again.
        unbalanced_budgets: Whose spending is not the sum of what decisions were charged.
    """

    lost_decisions: int
    double_decisions: int
    lost_events: int
    double_events: int
    other_answers: int
    unbalanced_budgets: int

    @property
    def right(self) -> bool:
        """Whether nothing was lost, and nothing is there twice."""
        return not any(vars(self).values())


def kept_decisions(stack: Stack) -> set[str]:
    """Ids of the decisions in the database that were made one by one."""
    return {row[0] for row in stack.rows("SELECT decision_id FROM decisions WHERE part IS NULL")}


def reckon(stack: Stack, load: Load, before: set[str]) -> Reckoning:
    """Compare, and ask for every decision once more; then import, and look for every event in the event log.

    Args:
        before: Decisions that were kept before the load.
    """
    kept = kept_decisions(stack) - before
    answered = set(load.decided.values())
    journal = Counter(row[0] for row in stack.rows("SELECT event_id FROM journal_events WHERE event_id LIKE 'event-%'"))
    with load.client() as client:
        again = {name: client.decide(load.question(name), request_id=name).decision_id for name in load.decided}
    stack.engine.shell("docker compose -f deploy/compose.yaml run --rm flows nbo --bank /srv/bank import")
    log = Counter(stack.event_log())
    charged = """
        SELECT budget, period FROM spending FULL JOIN (
            SELECT budget, period, sum(amount) AS charged FROM charges GROUP BY budget, period
        ) AS charges USING (budget, period) WHERE coalesce(spent, 0) <> coalesce(charged, 0)
    """
    return Reckoning(
        lost_decisions=len(answered - kept),
        double_decisions=len(kept - answered) + len(load.decided) - len(answered),
        lost_events=len(load.told - set(journal)) + len(load.told - set(log)),
        double_events=sum(count - 1 for found in (journal, log) for count in found.values()),
        other_answers=sum(again[name] != decision for name, decision in load.decided.items()),
        unbalanced_budgets=len(stack.rows(charged)),
    )
