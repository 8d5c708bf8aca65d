from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.engine import DecisionContext, decide
from decisioning.policies.compile import compile_policy
from decisioning.policies.limits import limit_features
from decisioning.policies.policy import ContactLimit, Policy, QuietHours, Rule
from events.vocabulary import Property
from expressions.types import Category
from features.catalogue import FeatureCatalogue
from tests.decisioning.build import (
    NOON,
    OFFERS,
    VOCABULARY,
    catalogue_for,
    column,
    compiled,
    customers,
    feature,
    likely,
)

NIGHT = QuietHours(
    name="night", channels=("email", "call_centre"), from_hour=21, until_hour=8, except_tags=("service",)
)


def first_failed(policy, offer="loan_flex", channel="email", as_of=NOON, **columns):
    decisions = decide(customers(policy, 1, **columns), likely(policy, 1), policy, DecisionContext(as_of=as_of, seed=1))
    rule = int(decisions.first_failed[0, column(policy, offer, channel)])
    return None if rule < 0 else policy.rules[rule].name


def at(hour, day=2):
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(("hour", "failed"), [(20, None), (21, "night"), (0, "night"), (7, "night"), (8, None)])
def test_nobody_is_contacted_in_quiet_hours_over_midnight(hour, failed):
    assert first_failed(compiled(Policy(quiet_hours=(NIGHT,))), as_of=at(hour)) == failed


def test_quiet_hours_are_for_their_channels_and_not_for_excepted_offers():
    policy = compiled(Policy(quiet_hours=(NIGHT,)))
    assert first_failed(policy, channel="app", as_of=at(23)) is None
    assert first_failed(policy, offer="follow_up", as_of=at(23)) is None


def test_quiet_hours_may_be_of_some_days_of_the_week():
    sunday = QuietHours(name="sunday", channels=("email",), from_hour=0, until_hour=24, days_of_week=(7,))
    policy = compiled(Policy(quiet_hours=(sunday,)))
    assert first_failed(policy, as_of=at(12, day=1)) == "sunday"
    assert first_failed(policy, as_of=at(12, day=2)) is None


def test_quiet_hours_are_hours_of_the_bank():
    policy, problems = compile_policy(
        Policy(quiet_hours=(NIGHT,)),
        OFFERS,
        VOCABULARY,
        catalogue_for(Policy()),
        time_zone=ZoneInfo("Europe/Amsterdam"),
    )
    assert not problems
    assert first_failed(policy, as_of=at(20)) == "night"
    assert first_failed(policy, as_of=at(7)) is None


def test_what_is_decided_overnight_is_judged_by_the_hour_at_which_it_goes_out():
    policy = compiled(Policy(quiet_hours=(NIGHT,), outbound={"email": 9}, without_consent={"email": "a test"}))
    assert first_failed(policy, as_of=at(0)) is None
    assert first_failed(policy, channel="call_centre", as_of=at(0)) == "night"
    assert first_failed(policy, as_of=at(22)) == "night"


ZONES = Category(("Europe/Amsterdam", "America/Curacao", "Asia/Tokyo"))
ABROAD = replace(VOCABULARY, attributes={"time_zone": Property(values=ZONES.values)})
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def abroad(quiet=NIGHT, **more):
    """A bank in Amsterdam whose customers live in three time zones."""
    policy = Policy(quiet_hours=(quiet,), recipient_time_zone="time_zone", **more)
    catalogue = catalogue_for(policy)
    known = FeatureCatalogue({**catalogue.features, "time_zone": feature("time_zone", ZONES)}, catalogue.families, {})
    ready, problems = compile_policy(policy, OFFERS, ABROAD, known, time_zone=AMSTERDAM)
    assert problems == []
    return ready


@pytest.mark.parametrize("zone", [*ZONES.values, None])
def test_quiet_hours_are_hours_of_the_recipient_and_of_every_clock_where_that_is_unknown(zone):
    policy = abroad()
    clocks = list(map(ZoneInfo, ZONES.values if zone is None else [zone]))
    code = float("nan") if zone is None else ZONES.code(zone)
    hours = [at(0) + timedelta(hours=hour) for hour in range(48)]
    allowed = [moment for moment in hours if first_failed(policy, as_of=moment, time_zone=code) is None]
    assert allowed == [one for one in hours if all(8 <= one.astimezone(clock).hour < 21 for clock in clocks)]
    assert len(allowed) == (0 if zone is None else 26), "in Tokyo they sleep when it is 8 o'clock in Curacao"


def test_days_of_quiet_hours_are_days_of_the_recipient():
    sunday = QuietHours(name="sunday", channels=("email",), from_hour=0, until_hour=24, days_of_week=(7,))
    late_on_saturday = datetime(2026, 2, 28, 20, tzinfo=UTC)
    assert first_failed(abroad(sunday), as_of=late_on_saturday, time_zone=ZONES.code("Asia/Tokyo")) == "sunday"
    assert first_failed(abroad(sunday), as_of=late_on_saturday, time_zone=ZONES.code("Europe/Amsterdam")) is None
    assert first_failed(abroad(sunday), as_of=late_on_saturday, time_zone=float("nan")) == "sunday"


def test_what_is_decided_overnight_goes_out_at_its_channel_s_hour_on_the_recipient_s_clock():
    policy = abroad(outbound={"email": 9}, without_consent={"email": "a test"})
    midnight = datetime(2026, 3, 2, tzinfo=AMSTERDAM)
    times = policy.names.contact_times
    for zone in ZONES.values:
        assert first_failed(policy, as_of=midnight, time_zone=ZONES.code(zone)) is None
        local = times.contact_at(midnight, 9, zone).astimezone(ZoneInfo(zone))
        # in Tokyo it is 8 o'clock already when Amsterdam's day begins
        assert (local.day, local.hour) == (2, 9)
    assert times.contact_at(midnight, 9) == times.contact_at(midnight, 9, "America/Curacao"), "the last of all"
    assert first_failed(policy, as_of=midnight, time_zone=float("nan")) == "night", "22 o'clock in Tokyo"


def test_a_moment_after_the_channel_s_hour_is_when_it_goes_out():
    policy = abroad(outbound={"email": 9}, without_consent={"email": "a test"})
    evening = datetime(2026, 3, 2, 19, tzinfo=AMSTERDAM)
    assert policy.names.contact_times.contact_at(evening, 9, "Europe/Amsterdam") == evening


@pytest.mark.parametrize("zone", [*ZONES.values, None])
def test_the_hour_of_a_contact_may_be_a_condition_and_is_null_on_an_unknown_clock(zone):
    early = Rule(name="early", kind="suitability", require="contact_hour = 9", channels=("email",))
    policy = abroad(rules=(early,), outbound={"email": 9}, without_consent={"email": "a test"})
    code = float("nan") if zone is None else ZONES.code(zone)
    midnight = datetime(2026, 3, 2, tzinfo=AMSTERDAM)
    assert first_failed(policy, as_of=midnight, time_zone=code) == ("early" if zone is None else None)


def test_the_recipient_s_time_zone_is_read_and_recorded():
    assert "time_zone" in abroad().features


def test_the_time_zone_of_somebody_unknown_is_never_assumed():
    with pytest.raises(AssertionError, match="a permission is never assumed"):
        abroad(cold_start={"time_zone": "Europe/Amsterdam"})


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({}, "not an attribute with time zones"),
        ({"time_zone": Property(type="number")}, "not an attribute with time zones"),
        ({"time_zone": Property(values=("Europe/Amsterdam", "Tokyo"))}, "a value of time_zone is no time zone"),
    ],
)
def test_an_attribute_that_tells_no_time_zones_is_refused(attributes, what):
    policy = Policy(quiet_hours=(NIGHT,), recipient_time_zone="time_zone")
    _, problems = compile_policy(policy, OFFERS, replace(VOCABULARY, attributes=attributes), catalogue_for(policy))
    [problem] = [one for one in problems if one.path == ("recipient_time_zone",)]
    assert problem.what == what


def followed(**limit):
    return compiled(
        Policy(contact_limits=(ContactLimit(name="not_after", per="customer", at_most=1, days=30, **limit),))
    )


def test_an_offer_does_not_follow_another_within_some_days():
    policy = followed(after_offers=("loan_flex",), offers=("savings_plus",))
    counted = {"limit_not_after_loan_flex_30d": 1.0}
    assert first_failed(policy, offer="savings_plus", **counted) == "not_after"
    assert first_failed(policy, offer="savings_goal", **counted) is None
    assert first_failed(policy, offer="loan_flex", **counted) is None
    assert first_failed(policy, offer="savings_plus") is None


def test_what_comes_after_several_offers_counts_them_together_in_the_limits_channels():
    policy = followed(after_offers=("loan_flex", "savings_goal"), products=("savings",), channels=("email",))
    names = {f"limit_not_after_{offer}_email_30d" for offer in ("loan_flex", "savings_goal")}
    assert names <= policy.features
    for name in names:
        assert first_failed(policy, offer="savings_plus", **{name: 1.0}) == "not_after"


def test_limits_count_only_what_some_candidate_asks_for():
    limit = ContactLimit(name="cap", per="offer", at_most=1, days=60, products=("loan",))
    assert [count.name for count in limit_features(Policy(contact_limits=(limit,)), OFFERS, VOCABULARY)] == [
        "limit_cap_loan_flex"
    ]


@given(st.integers(0, 3), st.integers(0, 3))
def test_a_limit_holds_for_any_number_of_contacts(at_most, made):
    limit = ContactLimit(name="cap", per="channel", at_most=at_most, days=7, tags=("service",))
    policy = compiled(Policy(contact_limits=(limit,)))
    rests = first_failed(policy, offer="follow_up", limit_cap_email_7d=float(made)) == "cap"
    assert rests == (made >= at_most)


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        (Policy(outbound={"fax": 9}), ("outbound", "fax")),
        (Policy(outbound={"email": 24}), ("outbound", "email")),
        (Policy(quiet_hours=(QuietHours(name="q", channels=(), from_hour=1, until_hour=2),)), ("quiet_hours", 0)),
        (
            Policy(quiet_hours=(QuietHours(name="q", channels=("app",), from_hour=1, until_hour=1),)),
            ("quiet_hours", 0, "until_hour"),
        ),
        (
            Policy(quiet_hours=(QuietHours(name="q", channels=("app",), from_hour=25, until_hour=1),)),
            ("quiet_hours", 0, "from_hour"),
        ),
        (
            Policy(
                quiet_hours=(QuietHours(name="q", channels=("app",), from_hour=2, until_hour=1, days_of_week=(8,)),)
            ),
            ("quiet_hours", 0, "days_of_week", 0),
        ),
        (
            Policy(
                contact_limits=(ContactLimit(name="c", per="offer", at_most=1, days=1, after_offers=("loan_flex",)),)
            ),
            ("contact_limits", 0, "per"),
        ),
        (
            Policy(contact_limits=(ContactLimit(name="c", per="customer", at_most=1, days=1, after_offers=("lone",)),)),
            ("contact_limits", 0, "after_offers", 0),
        ),
        (Policy(personalised="channel = 'app'"), ("personalised",)),
        (Policy(personalised="age"), ("personalised",)),
    ],
)
def test_times_and_sequences_that_make_no_sense_are_told_with_their_place(policy, path):
    _, problems = compile_policy(policy, OFFERS, VOCABULARY, catalogue_for(policy))
    assert any(problem.path[: len(path)] == path for problem in problems), problems
