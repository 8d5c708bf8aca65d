"""Contact limits hold at any time: contacts made count in the next decision."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.policies.policy import ContactLimit, Exploration, Policy
from tests.serving.build import small_bank
from tests.serving.contacting import contacted

DAY = timedelta(days=1)
WAITS = st.lists(st.floats(0.01, 60.0), min_size=2, max_size=14)


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
