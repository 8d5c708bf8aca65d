"""Hostile and slow connections to the real server."""

from __future__ import annotations

import json
import socket
from itertools import repeat

import psutil
import pytest

from config.service import ConnectionLimits
from serving.api.connections import MOST_HEADERS, SPARE
from tests.serving.api.build import KEYS
from tests.serving.api.sockets import answer_of, connect, listening, rest_of, send_all
from tests.waiting import until

LIMITS = ConnectionLimits(most=6, largest_header=8_192, header_seconds=0.5, body_seconds=0.6, idle_seconds=1.0)
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: nbo\r\n\r\n"
OPENAPI = b"GET /openapi.json HTTP/1.1\r\nHost: nbo\r\n\r\n"
OFFERS = b"GET /v1/offers HTTP/1.1\r\nHost: nbo\r\nX-API-Key: %s\r\n\r\n" % KEYS["admin"].encode()
TELL = b"POST /v1/events HTTP/1.1\r\nHost: nbo\r\nContent-Type: application/json\r\nX-API-Key: %s\r\n"
EVENTS = TELL % KEYS["listen"].encode()
DECIDE = EVENTS.replace(b"/events", b"/decisions").replace(KEYS["listen"].encode(), KEYS["admin"].encode())
METRICS = b"GET /metrics HTTP/1.1\r\nHost: nbo\r\nX-API-Key: %s\r\n\r\n" % KEYS["admin"].encode()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with listening(tmp_path_factory.mktemp("service"), LIMITS) as address:
        yield address


@pytest.fixture
def connection(address):
    with connect(address) as connection:
        yield connection


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def problem(said: bytes) -> str:
    kind: str = json.loads(said.partition(b"\r\n\r\n")[2])["type"]
    return kind.rpartition(":")[2]


def answers(address, request: bytes = ALIVE) -> bool:
    with connect(address) as other:
        other.sendall(request)
        return status(answer_of(other)) == 200


def test_a_header_without_end_is_refused_before_it_is_kept(address, connection):
    connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Long: ")
    assert send_all(connection, repeat(b"a" * 1_000_000, 100)) < 20_000_000
    said = rest_of(connection)
    assert not said or (status(said), problem(said)) == (431, "header-too-large")
    assert answers(address)


def test_headers_that_are_a_little_too_large_are_refused_and_those_that_fit_are_not(address):
    for size, expected in ((7_000, 200), (9_000, 431)):
        with connect(address) as connection:
            connection.sendall(ALIVE.replace(b"Host: nbo", b"Host: nbo\r\nX: " + b"a" * size))
            assert status(answer_of(connection)) == expected


@pytest.mark.parametrize(
    "request_",
    [
        ALIVE.replace(b"Host: nbo", b"\r\n".join(b"x-%d: y" % number for number in range(MOST_HEADERS + 1))),
        ALIVE.replace(b"/healthz", b"/healthz?" + b"a" * 9_000),
    ],
    ids=["many headers", "a long address"],
)
def test_many_headers_and_long_addresses_are_refused(connection, request_):
    connection.sendall(request_)
    said = rest_of(connection)
    assert (status(said), problem(said)) == (431, "header-too-large")


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: nbo\r\n", b"\r\n"])
def test_who_says_nothing_or_not_all_is_not_waited_for(connection, begun):
    connection.sendall(begun)
    said = rest_of(connection)
    assert (status(said), problem(said)) == (408, "too-slow")


def test_headers_that_drip_have_no_longer_than_others(connection):
    connection.sendall(b"GET /healthz HTTP/1.1\r\n")
    connection.settimeout(0.1)
    said = b""

    def dripped() -> bool:
        nonlocal said
        try:
            connection.sendall(b"a: b\r\n")
            said += connection.recv(1_000)
        except TimeoutError:
            return False
        except OSError:
            return True
        return bool(said)

    until(dripped)
    assert status(said) == 408


@pytest.mark.parametrize(
    ("framing", "part"),
    [(b"Content-Length: 100000\r\n\r\n", b" "), (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")],
)
def test_a_body_that_drips_is_not_waited_for(connection, framing, part):
    connection.sendall(EVENTS + framing)
    connection.settimeout(0.1)
    said = b""

    def dripped() -> bool:
        nonlocal said
        try:
            connection.sendall(part)
            said += connection.recv(1_000)
        except TimeoutError:
            return False
        except OSError:
            return True
        return bool(said)

    until(dripped)
    assert (status(said), problem(said)) == (408, "too-slow")


def test_a_body_that_never_comes_behind_an_answer_ends_the_connection(connection):
    connection.sendall(TELL % b"unknown" + b"Content-Length: 1000\r\n\r\n")
    assert status(rest_of(connection)) == 401


def test_a_connection_is_idle_for_so_long_and_no_longer_however_its_answer_came(address):
    with connect(address) as usual, connect(address) as early:
        usual.sendall(ALIVE)
        early.sendall(TELL % b"unknown" + b"Content-Length: 2\r\n\r\n")
        assert status(answer_of(early)) == 401
        early.sendall(b"[]")
        assert status(rest_of(usual)) == 200
        assert rest_of(early) == b""


@pytest.mark.parametrize("size", [65_536, 64])
def test_a_body_in_chunks_is_as_large_as_others_may_be(connection, size):
    connection.sendall(EVENTS + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%s\r\n" % (size, b" " * size)
    send_all(connection, repeat(chunk * (65_536 // size), 40))
    assert status(rest_of(connection)) == 413


def test_what_goes_on_without_end_behind_its_answer_is_cut_off(connection):
    connection.sendall(TELL % b"unknown" + b"Transfer-Encoding: chunked\r\n\r\n")
    assert send_all(connection, repeat(b"10000\r\n" + b" " * 65_536 + b"\r\n", 3_000)) < 3_000 * 65_536
    assert status(rest_of(connection) or b"HTTP/1.1 401 ") == 401


def test_what_comes_behind_a_body_is_no_header(connection):
    key = KEYS["admin"].encode()
    trailer = b"2\r\n[]\r\n0\r\nX-API-Key: %s\r\n\r\n" % key
    head = (
        b"POST /v1/events HTTP/1.1\r\nHost: nbo\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    connection.sendall(head + trailer)
    assert status(answer_of(connection)) == 401


def test_headers_without_end_behind_a_body_are_cut_off(address, connection):
    connection.sendall(EVENTS + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n")
    send_all(connection, repeat(b"x: y\r\n" * 10_000, 100))
    assert status(rest_of(connection) or b"HTTP/1.1 431 ") == 431
    assert answers(address)


def test_more_connections_than_there_may_be_are_told_so_and_life_is_shown_to_whoever_looks(address):
    idle = [connect(address) for _ in range(LIMITS.most)]
    try:
        for one in idle:
            one.sendall(ALIVE)
            assert status(answer_of(one)) == 200
        with connect(address) as late:
            late.sendall(OFFERS)
            said = rest_of(late)
        assert (status(said), problem(said)) == (503, "no-connection")
        assert b"retry-after: 2\r\n" in said.lower()
        silent = [connect(address) for _ in range(2 * SPARE)]
        assert answers(address)
        for one in silent:
            one.close()
    finally:
        for one in idle:
            one.close()
    until(lambda: answers(address, OFFERS))


def test_requests_that_do_not_wait_for_answers_get_them_in_order_up_to_some(address, connection):
    connection.sendall(ALIVE + OFFERS + ALIVE)
    told = [answer_of(connection) for _ in range(3)]
    assert [status(said) for said in told] == [200, 200, 200]
    assert b"savings_plus" in told[1]
    with connect(address) as flood:
        send_all(flood, repeat(ALIVE * 1_000, 100))
        assert rest_of(flood).count(b"HTTP/1.1 200") < 100_000
    assert answers(address)


def test_who_reads_no_answer_is_not_waited_for(address):
    with connect(address) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
        deaf.sendall(OPENAPI * 20)
        mine = deaf.getsockname()
        until(lambda: mine not in [one.raddr for one in psutil.Process().net_connections() if one.laddr == address])
        assert 1 <= rest_of(deaf).count(b"HTTP/1.1 200") < 20
    assert answers(address)


def test_who_would_like_to_speak_something_else_is_answered_as_before(connection):
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    event = json.dumps({"event_id": "from Java", "customer_id": "c01", "type": "login"}).encode()
    connection.sendall(EVENTS + offer + b"Content-Length: %d\r\n\r\n" % len(event))
    connection.sendall(event + ALIVE)
    assert b'"accepted":1' in answer_of(connection)
    assert b'{"status":"alive"}' in answer_of(connection)


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"CONNECT nbo:80 HTTP/1.1\r\nHost: nbo\r\n\r\n"])
def test_what_is_no_request_is_told_so(connection, request_):
    connection.sendall(request_)
    said = rest_of(connection)
    assert (status(said), problem(said)) == (400, "not-http")


@pytest.mark.parametrize("route", [DECIDE, DECIDE.replace(b"/decisions", b"/decisions/batch"), EVENTS])
@pytest.mark.parametrize("begun", [b"Content-Length: 90\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"])
def test_who_hangs_up_within_a_body_is_no_fault_of_the_service(address, route, begun):
    def refused(status: int) -> int:
        with connect(address) as other:
            other.sendall(METRICS)
            lines = answer_of(other).decode().splitlines()
        path = route.split(b" ")[1].decode()
        counted = f'nbo_request_seconds_count{{method="POST",route="{path}",status="{status}"}} '
        return sum(int(float(line.removeprefix(counted))) for line in lines if line.startswith(counted))

    before = refused(400)
    with connect(address) as leaving:
        leaving.sendall(route + begun)
    until(lambda: refused(400) == before + 1)
    assert refused(500) == 0


def test_two_idempotency_keys_are_one_too_many(connection):
    body = b'{"customer_id": "c05", "channel": "app"}'
    keys = b"Idempotency-Key: a\r\nContent-Length: %d\r\nIdempotency-Key: b\r\n\r\n" % len(body)
    connection.sendall(DECIDE + keys + body)
    assert status(answer_of(connection)) == 422


def test_a_path_is_matched_as_it_was_sent(connection):
    connection.sendall(OFFERS.replace(b"/v1/offers", b"/v1/customers/A%2FB-1"))
    said = answer_of(connection)
    assert (status(said), problem(said)) == (404, "not-found")
