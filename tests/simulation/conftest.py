from __future__ import annotations

import pytest

from tests.simulation.demo_bank import DemoBank, Simulated


@pytest.fixture(scope="session")
def demo() -> DemoBank:
    return DemoBank.read()


@pytest.fixture(scope="session")
def simulated(demo: DemoBank, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Simulate two thousand customers for nine months: enough to measure rates, and done in two seconds."""
    folder = tmp_path_factory.mktemp("simulated") / "sources"
    return Simulated(demo, folder, demo.simulate(folder, customers=2000, months=9))
