from __future__ import annotations

import json

import numpy as np

from domain.journey import Stage
from domain.offer import Offer
from models.propensity.feature_selection import select_features
from models.propensity.groups import BLOCKS, Groups, groups_of


def offer(name: str, product: str | None, **attributes: float) -> Offer:
    return Offer(
        name=name,
        description="",
        value="1",
        treatments=(),
        stages=(Stage.GROWTH,),
        product=product,
        attributes=attributes,
    )


KNOWN = [offer("loan", "loans", rate=5.0), offer("card", "cards", rate=15.0), offer("care", None)]
GROUPS = groups_of(KNOWN, ["web", "app", "web"])


def placed(one: Offer, channel: str | None) -> dict[str, list[float]]:
    row = GROUPS.rows([(one, channel)])[0]
    return {block: row[GROUPS.blocks == number].tolist() for number, block in enumerate(BLOCKS)}


def test_a_known_offer_has_a_place_on_every_level() -> None:
    assert placed(KNOWN[0], "app") == {
        "global": [1.0],
        "product": [0.0, 1.0],
        "attribute": [-1.0],
        "offer": [0.0, 0.0, 1.0],
        "channel": [1.0, 0.0],
    }


def test_a_new_offer_has_only_product_attributes_and_channel_and_none_of_what_is_new() -> None:
    new = placed(offer("loan_two", "loans", rate=5.0), "web")
    assert (new["product"], new["attribute"], new["offer"], new["channel"]) == (
        [0.0, 1.0],
        [-1.0],
        [0.0] * 3,
        [0.0, 1.0],
    )
    assert sum(map(sum, placed(offer("x", "bonds"), "letter").values())) == 1.0


def test_attributes_are_not_extrapolated_far_beyond_the_known_offers() -> None:
    assert placed(offer("usury", "loans", rate=900.0), "app")["attribute"] == [2.5]


def test_what_is_unknown_to_trees_is_missing() -> None:
    assert np.isnan(GROUPS.codes([(offer("x", "bonds"), None)])).all()
    assert GROUPS.codes([(KNOWN[0], "web")]).tolist() == [[5.0, 1.0, 2.0, 1.0]]


def test_groups_survive_json() -> None:
    again = Groups.from_json(json.loads(json.dumps(GROUPS.to_json())))
    pairs = [(one, "app") for one in KNOWN]
    assert np.array_equal(again.rows(pairs), GROUPS.rows(pairs))


def test_columns_that_work_differently_by_offer_are_chosen_to_vary_and_copies_are_not_chosen_twice() -> None:
    random = np.random.default_rng(8)
    columns = random.normal(size=(8000, 6))
    columns[:, 1] = columns[:, 0] + 0.01 * random.normal(size=8000)
    group = random.integers(0, 2, 8000)
    score = np.where(group == 0, 1.0, -1.0) * columns[:, 3] + 0.7 * columns[:, 0]
    y = (random.random(8000) < 1 / (1 + np.exp(-score))).astype(float)
    common, varying = select_features(columns, y, group, common=2, varying=1)
    assert varying.tolist() == [3]
    assert len({0, 1} & set(common.tolist())) == 1
