"""A customer who is sent whatever is offered by e-mail, again and again."""

from datetime import timedelta

from decisioning.engine import DecisionContext
from domain.event import Event
from events.schema import table_of
from features.compute import compute_features
from features.moments import Moments
from serving.decider import Decider
from tests.serving.build import AS_OF, Interested, Leaving

DAY = timedelta(days=1)
LOGIN = Event(event_id="l", customer_id="c", type="login", occurred_at=AS_OF - DAY, available_at=AS_OF - DAY)
CONSENT = Event(
    event_id="a",
    customer_id="c",
    type="customer_attributes",
    occurred_at=AS_OF - 9 * DAY,
    available_at=AS_OF - 9 * DAY,
    properties={"consent_email": "true"},
)


def contacted(bank, hours):
    """Decide repeatedly for one customer, and send whatever is offered by e-mail."""
    decider = Decider(bank, Leaving(), Interested())
    events, moment, sent = [LOGIN, CONSENT], AS_OF, []
    for number, wait in enumerate(hours):
        moment += timedelta(hours=wait)
        features = compute_features(table_of(events), Moments.at(["c"], moment), bank.feature_definitions)
        decisions = decider.decide(
            features.select(decider.features), DecisionContext(as_of=moment, seed=number, channels=["email"])
        )
        for candidate in decider.record(decisions, 0, "email").offers:
            made = moment + timedelta(seconds=1)
            events.append(
                Event(
                    event_id=f"p{number}",
                    customer_id="c",
                    type="offer_presented",
                    channel="email",
                    product="savings",
                    occurred_at=made,
                    available_at=made,
                    properties={"offer": candidate.offer},
                )
            )
            sent.append(made)
    return sent
