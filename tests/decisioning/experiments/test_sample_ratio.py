import numpy as np
import pytest
from scipy.stats import chisquare

from decisioning.experiments.sample_ratio import ALARM, sample_ratio
from domain.errors import DataError

SHARES = {"control": 0.1, "treated": 0.9}


def test_groups_drawn_by_their_shares_raise_no_more_alarms_than_promised():
    draw = np.random.default_rng(8).binomial(5_000, 0.1, 20_000)
    alarms = [sample_ratio({"control": int(n), "treated": 5_000 - int(n)}, SHARES).is_mismatch for n in draw]
    assert np.mean(alarms) <= 2 * ALARM


def test_it_is_the_chi_square_test():
    expected = chisquare([120, 880], [100, 900]).pvalue
    assert sample_ratio({"control": 120, "treated": 880}, SHARES).p_value == pytest.approx(expected)


def test_groups_that_lost_some_of_their_members_are_noticed():
    assert sample_ratio({"control": 1_000, "treated": 8_000}, SHARES).is_mismatch
    assert sample_ratio({"treated": 200}, SHARES).is_mismatch


def test_with_fewer_than_a_hundred_it_says_nothing():
    assert sample_ratio({"control": 99}, SHARES).p_value is None


@pytest.mark.parametrize("shares", [{"control": 0.1}, {"control": 1.1, "treated": -0.1}])
def test_arms_that_do_not_add_up_are_refused(shares):
    with pytest.raises(DataError, match="do not add up"):
        sample_ratio({"control": 200}, shares)


def test_a_group_without_a_share_has_no_members():
    with pytest.raises(DataError, match="without a share"):
        sample_ratio({"other": 200}, SHARES)
