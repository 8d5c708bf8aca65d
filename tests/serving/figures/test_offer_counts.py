import pyarrow as pa
import pyarrow.compute as pc

from serving.figures.offer_counts import BINS, OfferCounts

OFFERS, RULES = ("loan", "card"), ("adult", "consent")
RANKED = pa.table(
    {
        "offer": ["loan", "card", "card", "gone"],
        "rank": pa.array([1, 2, 1, 1], pa.int16()),
        "propensity": [0.05, 0.2, None, 0.5],
    }
)
REJECTED = pa.table({"offer": ["loan", "loan", "card"], "first_failed": ["consent", "consent", "adult"]})


def counts(ranked=RANKED, rejected=REJECTED):
    known = ranked.filter(pc.is_in(ranked["offer"], value_set=pa.array(OFFERS)))
    return OfferCounts.of(OFFERS, RULES, known, rejected)


def test_every_offer_is_counted_by_rank_propensity_and_rule():
    loan, card = counts().rows()
    assert (loan["ranked"], loan["first"], loan["rejected"]) == (1, 1, {"consent": 2})
    assert (card["ranked"], card["first"], card["rejected"]) == (2, 1, {"adult": 1})
    assert loan["propensities"].index(1) == BINS.index(0.04)
    assert sum(card["propensities"]) == 1, "an offer without a score is in no bin"


def test_counts_of_parts_add_up_to_those_of_the_whole():
    parts = [counts(RANKED.slice(0, 1), REJECTED.slice(0, 2)), counts(RANKED.slice(1), REJECTED.slice(2))]
    assert (parts[0] + parts[1]).rows() == counts().rows()


def test_nothing_is_counted_as_nothing():
    assert [row["ranked"] for row in counts(RANKED.slice(0, 0), REJECTED.slice(0, 0)).rows()] == [0, 0]
