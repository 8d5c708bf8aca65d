"""Contact limits hold at any time: contacts made count in the next decision."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.engine import DecisionContext
from decisioning.policies.policy import ContactLimit, Exploration, Policy
from domain.event import Event
from events.schema import table_of
from features.compute import compute_features
from features.moments import Moments
from serving.decider import Decider
from tests.serving.build import AS_OF, Interested, Leaving, small_bank

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
WAITS = st.lists(st.floats(0.01, 60.0), min_size=2, max_size=14)


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


@settings(max_examples=40)
@given(WAITS, st.integers(1, 3), st.integers(1, 4), st.sampled_from(["channel", "offer", "product", "customer"]))
def test_a_cap_holds_in_every_sliding_window(hours, at_most, days, per):
    limit = ContactLimit(name="cap", per=per, channels=("email",), at_most=at_most, days=days)
    bank = small_bank(
        Policy(
            consent={"email": "consent_email"},
            contact_limits=(limit,),
            exploration=Exploration(epsilon=0.0, floor=0.0),
            minimum_priority=-1e6,
        )
    )
    sent = contacted(bank, hours)
    assert sent
    for first, later in zip(sent, sent[at_most:], strict=False):
        assert later - first > timedelta(days=days)


def test_without_a_cap_every_moment_is_used():
    bank = small_bank(Policy(consent={"email": "consent_email"}, minimum_priority=-1e6))
    sent = contacted(bank, [5.0] * 6)
    assert len(sent) == 6
    assert all(later - earlier < timedelta(hours=6) for earlier, later in pairwise(sent))
    assert np.ptp([moment.timestamp() for moment in sent]) > 0
