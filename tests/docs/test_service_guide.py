"""The guide's requests, as they stand there, sent to a service that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from string import Template

import httpx
import pytest

from tests.docs.pages import ROOT, blocks
from tests.pipelines.small_bank import SmallBank
from tests.wiring.past import live_through
from tests.wiring.served import KEY, served
from wiring.bank_time import serving_time

GUIDE = ROOT / "docs" / "guides" / "service.md"
PATHS = re.findall(r"`(GET|POST|PUT|DELETE) (/[^`]*)`(?: with `(\{.*?\})`)?", GUIDE.read_text(encoding="utf-8"))
"""What the guide says in its text and its tables: method, path, and a body where it shows one."""


def asked(key: str) -> Iterator[list[str]]:
    """Every curl command, as the words that a shell would make of it."""
    for block in blocks(GUIDE, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("curl "):
                yield shlex.split(Template(line).substitute(KEY=key))[1:]


def sent(client: httpx.Client, words: list[str]) -> httpx.Response:
    """Do what curl would do; an option that is not known here is a mistake of the guide, or of this."""
    method, url, headers, body = "GET", "", {}, None
    waiting = iter(words)
    for word in waiting:
        match word:
            case "-s":
                pass
            case "-X":
                method = next(waiting)
            case "-H":
                name, _, value = next(waiting).partition(": ")
                headers[name] = value
            case "-d":
                method, body = "POST" if method == "GET" else method, next(waiting)
            case _:
                assert not word.startswith("-"), word
                url = word
    host, _, path = url.partition("/")
    assert host == "localhost:8000", "as `nbo serve` listens by default"
    return client.request(method, f"/{path}", headers=headers, content=body)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    bank = SmallBank.write(tmp_path_factory.mktemp("bank"), customers=40, months=3, name="guide")
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank.use(monkeypatch)
        parts = bank.parts
        live_through(parts)
        with serving_time(parts, None) as time, served(parts, time.now()) as client:
            client.headers.pop("X-API-Key")
            yield client
        parts.database.close()


def test_every_request_of_the_guide_is_answered(client: httpx.Client) -> None:
    answers = [(words, sent(client, words)) for words in asked(KEY)]
    assert len(answers) >= 4
    for words, answer in answers:
        assert answer.is_success, (words, answer.text)


def test_every_request_says_who_asks(client: httpx.Client) -> None:
    for words in asked("somebody's"):
        assert sent(client, words).status_code == 401


def test_every_path_of_the_guide_is_one_of_the_service(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]
    assert len(PATHS) >= 12
    for method, path, _ in PATHS:
        shape = re.sub(r"\{\w+\}", "{}", path)
        methods = [said for known, said in described.items() if re.sub(r"\{\w+\}", "{}", known) == shape]
        assert any(method.lower() in said for said in methods), f"{method} {path}"


def test_bodies_that_the_tables_show_are_taken(client: httpx.Client) -> None:
    shown = [(method, path, body) for method, path, body in PATHS if body and "..." not in body]
    assert len(shown) >= 2
    for method, path, body in shown:
        place = path.replace("{id}", "C002262")
        answer = client.request(
            method, place, content=body, headers={"X-API-Key": KEY, "Content-Type": "application/json"}
        )
        assert answer.is_success, (method, path, answer.text)
