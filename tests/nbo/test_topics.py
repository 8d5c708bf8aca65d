"""`nbo listen` on a bank without data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nbo.commands import run_command_line
from tests.pipelines.small_bank import DEMO
from tests.serving.topics.broker import TOPIC, broker

CLOUD_EVENT = (
    b'{"specversion": "1.0", "id": "1", "source": "/app", "type": "bank.app_login", "subject": "C1", '
    b'"data": {"channel": "app"}}'
)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(DEMO, tmp_path / "bank"))


def said(bank: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run_command_line(["--bank", str(bank), "listen", *words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out + err


def test_messages_are_taken_until_none_comes(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with broker() as kafka:
        file = tmp_path / "kafka.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in kafka.properties.items()))
        monkeypatch.setenv("NBO_KAFKA_PROPERTIES", str(file))
        for message in (CLOUD_EVENT, CLOUD_EVENT, b"nothing"):
            kafka.send(message)
        kafka.sent()
        code, told = said(bank, capsys, "--topic", TOPIC, "--idle-seconds", "6")
    assert code == 0
    assert "listening to customer-events as nbo-demo" in told
    assert "3 messages: 1 accepted, 1 duplicate, 1 refused" in told


def test_without_properties_the_command_says_what_it_needs(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = said(bank, capsys, "--topic", TOPIC)
    assert code == 1
    assert "NBO_KAFKA_PROPERTIES is not set: expected a file with bootstrap.servers=HOST:PORT" in told


def test_a_topic_has_to_be_named(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = said(bank, capsys)
    assert code == 2
    assert "--topic" in told
