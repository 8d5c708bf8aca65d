"""Every address that a bank's settings send something to is checked before anything is sent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from serving.outgoing import AddressRefusedError
from tests.docs.pages import ROOT
from wiring.addresses import check_addresses
from wiring.components import reload_components

WATCHING = """
webhook: {url: ALARM_URL, secret: ALARM_SECRET}
mail: {server: ALARM_SMTP, sender: nbo@bank.example, to: [risk@bank.example]}
"""
DELIVERY = "channels: [{channel: email, webhook: {url: EMAIL_URL, secret: EMAIL_SECRET}}]\n"
COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("EMAIL_URL", "http://127.0.0.1:9/"),
        ("ALARM_URL", "https://169.254.169.254/latest"),
        ("ALARM_SMTP", "smtp://127.0.0.1:25"),
        (COLLECTOR, "http://127.0.0.1:4318"),
    ],
)
def test_an_address_inside_is_refused_until_it_is_named(tmp_path, monkeypatch, name, address):
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    folder = Path(shutil.copytree(ROOT / "banks" / "demo", tmp_path / "bank"))
    (folder / "watching.yaml").write_text(WATCHING)
    (folder / "delivery.yaml").write_text(DELIVERY)
    with pytest.raises(AddressRefusedError, match="leads to an internal address"):
        check_addresses(reload_components(folder), {name: address})
    (folder / "network.yaml").write_text("inside: [127.0.0.1, 169.254.169.254]\n")
    check_addresses(reload_components(folder), {name: address})
