import importlib.util

import pytest

from nbo_client.client import NboClient
from tests.nbo_client.bridge import EXAMPLES, Bridge
from tests.serving.api.build import KEYS, small_client


@pytest.fixture
def example():
    specification = importlib.util.spec_from_file_location("ask", EXAMPLES / "ask.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_example_asks_and_tells(example, tmp_path):
    with (
        small_client(tmp_path) as service,
        NboClient("http://nbo", key=KEYS["admin"], transport=Bridge(service)) as us,
    ):
        lines = example.ask(us, "c05", "app")
        assert lines[0].startswith("c05 in app: stage growth, decision ")
        assert lines[1].startswith("1. ")
        assert lines[-1] == "told: accepted"
        assert example.ask(us, "stranger", "app")[-1].startswith("nothing, because")


def test_a_service_that_is_away_is_one_sentence(example, capsys):
    assert example.main("nowhere", "c05", "app") == 1
    assert "the service does not answer" in capsys.readouterr().err
