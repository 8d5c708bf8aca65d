"""What the entry does beside balancing: limits, and TLS."""

from __future__ import annotations

import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.service import ServiceSettings
from tests.containers.engine import expect, until
from tests.containers.stack import COMPOSE, ENTRY, Stack

PLACE = ("127.0.0.1", 8000)
ENCRYPTED = "https://localhost:8443"
PROBLEM = "application/problem+json"
SECONDS_TO_SEND = 10
"""As the guide says; a body of which nothing more comes is given up after as long a silence again."""


def limits(key: str) -> None:
    """What is too large or too slow is answered with a problem, and others are answered meanwhile."""
    largest = ServiceSettings().largest_body
    said = {"X-API-Key": key, "Content-Type": "application/json"}
    with httpx.Client(base_url=ENTRY, headers=said) as client:
        refused = {
            413: client.post("/v1/decisions", content=b" " * (largest + 1)),
            404: client.get("/metrics"),
        }
        for status, answer in refused.items():
            told = (answer.status_code, answer.headers.get("content-type"))
            expect(fact=told == (status, PROBLEM), otherwise=f"expected {status} as {PROBLEM}, got {told}")
            json.loads(answer.text)
        headers = client.get("/readyz", headers={"X-Long": "x" * 20_000}).status_code
        expect(fact=headers == httpx.codes.BAD_REQUEST, otherwise=f"headers of 20,000 bytes: {headers}")
        # the service finds this too large, not the entry: it is as large as is let through
        through = client.post("/v1/decisions", content=b" " * largest)
        expect(fact=through.status_code in {400, 422}, otherwise=f"{largest} bytes: {through.status_code}")
    for beginning in (
        b"GET /readyz HTTP/1.1\r\nHost: x\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    ):
        seconds = _seconds_until_answered(beginning, b"HTTP/1.1 408 ")
        expect(fact=seconds < 2 * SECONDS_TO_SEND + 5, otherwise=f"a slow request was waited for {seconds:.0f} s")


def _seconds_until_answered(beginning: bytes, answer: bytes) -> float:
    with socket.create_connection(PLACE, timeout=60) as slow:
        begun = time.monotonic()
        slow.sendall(beginning)
        got = slow.recv(4096)
        expect(fact=got.startswith(answer), otherwise=f"expected {answer!r}, got {got[:60]!r}")
        return time.monotonic() - begun


def refuses_others_without_tls(stack: Stack) -> None:
    """An address that others reach is refused where there is no certificate, in a sentence."""
    check = f"{COMPOSE} run --rm --no-deps entry haproxy -c -f /etc/nbo/haproxy.cfg 2>&1"
    said = stack.engine.shell(f"NBO_ENTRY=0.0.0.0:8000 {check} || true")
    expect(fact="set NBO_CERTIFICATE to a file" in said, otherwise=f"plain HTTP for everybody is not refused: {said}")


def make_certificate(file: Path) -> None:
    """Write a certificate for this machine and its key into one file, readable for the containers' user."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, plain)
    )
    file.chmod(0o644)  # a key for one run; who it belongs to depends on how the engine counts users


def answers_encrypted(certificate: Path) -> None:
    """The entry answers with its certificate, over TLS alone."""
    trusted = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(verify=trusted) as client:
        until(lambda: _ready(client), "the entry does not answer over TLS")
    try:
        plain = httpx.get(ENCRYPTED.replace("https", "http") + "/readyz")
    except httpx.HTTPError:
        return
    expect(fact=False, otherwise=f"plain HTTP is answered where TLS is spoken: {plain.status_code}")


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get(f"{ENCRYPTED}/readyz").status_code == httpx.codes.OK
    except httpx.ConnectError:
        return False
