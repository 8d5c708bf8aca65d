from dataclasses import replace

import pytest

from domain.errors import DataError
from serving.decider import Decider
from serving.service.engine import LiveEngine
from serving.service.engine_reload import EngineReloader, smoke_test
from tests.serving.api.build import small_service, with_policy
from tests.serving.build import AS_OF, Interested, Leaving, small_bank


class Broken(Interested):
    """A model without results."""

    def predict(self, features, candidates, *, num_threads=1):
        return super().predict(features, candidates) * float("nan")


class Source:
    """Returns the engines that a test provides."""

    def __init__(self, service):
        self.service = service
        self.next = service.engine
        self.version = 0

    def stamp(self):
        return self.version

    def build(self):
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    def customers(self, at_most):
        return ["c02", "c05"][:at_most]

    def refresh(self, now):
        pass

    def offer(self, engine):
        self.next, self.version = engine, self.version + 1


@pytest.fixture
def service(tmp_path):
    service = small_service(tmp_path)
    yield service
    service.close()


@pytest.fixture
def source(service):
    return Source(service)


@pytest.fixture
def reloader(service, source):
    return EngineReloader(source, service.swap, service.clock, seconds=60, read_pauses=service.read_pauses)


def engine_with(service, bank=None, propensity=None):
    decider = Decider(bank or small_bank(), Leaving(), propensity or Interested(), {"propensity": "2"})
    return LiveEngine(decider, service.engine.reader)


def test_a_new_engine_is_tried_and_put_in_charge(service, source, reloader):
    assert not reloader.look()
    better = engine_with(service, with_policy(small_bank(), offers_per_channel=1))
    source.offer(better)
    assert reloader.look()
    assert service.engine is better
    assert (reloader.swaps, reloader.refused, reloader.why) == (1, 0, "")
    assert not reloader.look()


@pytest.mark.parametrize("what", ["folder", "model", "crash"])
def test_a_bad_one_is_refused_and_the_old_one_goes_on(service, source, reloader, what, caplog):
    before = service.engine
    bad = {
        "folder": DataError("the policy has problems"),
        "model": engine_with(service, propensity=Broken()),
        "crash": RuntimeError("c02 is somebody's name"),
    }
    source.offer(bad[what])
    assert not reloader.look()
    assert service.engine is before
    assert (reloader.swaps, reloader.refused) == (0, 1)
    assert reloader.why
    assert "c02" not in reloader.why
    # the same is not tried again, the next one is
    assert not reloader.look()
    assert reloader.refused == 1
    source.offer(engine_with(service))
    assert reloader.look()


def test_trying_out_leaves_no_trace(service):
    smoke_test(engine_with(service), ["c02"], AS_OF)
    assert service.decision_log.of_customer("c02") == []


def test_an_engine_without_a_propensity_model_may_be_in_charge(service):
    bank = replace(small_bank(), digest="another")
    smoke_test(LiveEngine(Decider(bank, None, None), service.engine.reader), ["c02"], AS_OF)


def test_customers_who_want_no_personalised_offers_are_no_fault_of_an_engine(service):
    bank = with_policy(small_bank(), personalised="consent_email")
    smoke_test(engine_with(service, bank), ["c00", "c03"], AS_OF)
