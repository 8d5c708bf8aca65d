import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.service import ApiKey, ServiceSettings
from config.stores import SettingError
from serving.api.security import new_key
from tests.serving.api.build import ENTRIES, small_client

SECRET = "a secret of more than thirty-two bytes, for tests"
QUESTION = {"customer_id": "c05", "channel": "app"}


def token(key=SECRET, algorithm="HS256", **changes):
    claims = {"sub": "branch-7", "aud": "nbo:small", "scope": "decide", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    claims |= changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = ServiceSettings(keys=tuple(ENTRIES), jwt_key=SECRET)
    with small_client(tmp_path_factory.mktemp("service"), settings=settings) as client:
        client.headers.clear()
        yield client


def ask(client, **headers):
    return client.post("/v1/decisions", json=QUESTION, headers=headers)


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def test_a_token_for_this_bank_with_the_scope_is_let_in(client):
    assert ask(client, **bearer(token())).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"aud": "nbo:another"}, 401),
        ({"exp": datetime.now(UTC) - timedelta(minutes=1)}, 401),
        ({"nbf": datetime.now(UTC) + timedelta(hours=1)}, 401),
        ({"sub": "branch\u200b7"}, 401),
        ({"exp": None}, 401),
        ({"sub": None}, 401),
        ({"aud": None}, 401),
        ({"key": "another secret of more than thirty-two bytes"}, 401),
        ({"key": None, "algorithm": "none"}, 401),
        ({"scope": "listen"}, 403),
        ({"scope": "everything"}, 403),
        ({"scope": None}, 403),
    ],
)
def test_any_other_token_is_not(client, wrong, status):
    answer = ask(client, **bearer(token(**wrong)))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)


def test_a_clock_that_is_a_little_off_is_borne_with(client):
    now = datetime.now(UTC)
    assert ask(client, **bearer(token(exp=now - timedelta(seconds=10)))).status_code == 200
    assert ask(client, **bearer(token(iat=now + timedelta(seconds=10)))).status_code == 200


def test_a_stranger_is_sent_away_before_the_body_is_read(client):
    for body in (b"{", b"x" * 2_000_000):
        assert client.post("/v1/events", content=body).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_key_that_is_none_is_told_at_the_start(tmp_path, algorithm):
    settings = ServiceSettings(jwt_key="garbage that is long enough, but no key", jwt_algorithm=algorithm)
    with (
        pytest.raises(SettingError, match=f"NBO_JWT_KEY is not a key for {algorithm}") as refused,
        small_client(tmp_path, settings=settings),
    ):
        pass
    assert "garbage" not in str(refused.value)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer a.b.c", "Basic bmJvOm5ibw==", "Bearer \xff"])
def test_what_is_no_token_is_not_let_in(client, header):
    assert ask(client, Authorization=header.encode("latin-1")).status_code == 401


def test_a_public_key_checks_tokens_that_others_sign(tmp_path):
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    settings = ServiceSettings(jwt_key=public.decode(), jwt_algorithm="ES256")
    with small_client(tmp_path, settings=settings) as client:
        client.headers.clear()
        assert ask(client, **bearer(token(private, "ES256"))).status_code == 200
        # the public key is no secret: what it "signs" as a secret is worth nothing
        forged = jwt.api_jws.encode(b"{}", SECRET, "HS256")
        assert ask(client, **bearer(forged)).status_code == 401


def test_who_asks_too_often_is_told_when_to_come_again(tmp_path):
    key, entry = new_key("slow", ["decide"], per_second=1)
    settings = ServiceSettings(keys=(ApiKey(**{**entry, "scopes": ("decide",)}),))
    with small_client(tmp_path, settings=settings) as client:
        answers = [ask(client, **{"X-API-Key": key}) for _ in range(3)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_more_than_can_be_decided_is_turned_away_at_once(tmp_path):
    settings = ServiceSettings(keys=tuple(ENTRIES), most_waiting=2)
    with small_client(tmp_path, settings=settings) as client:
        request = ("POST", "/v1/decisions", {"json": QUESTION})
        statuses = [answer.status_code for answer in client.together(*[request] * 20)]
        assert set(statuses) == {200, 429}
        assert ask(client, **client.headers).status_code == 200


def test_the_settings_say_what_is_wrong_with_them_without_repeating_secrets(tmp_path):
    _, entry = new_key("app", ["decide"])
    read = ServiceSettings.from_environment
    assert read({"NBO_API_KEYS": json.dumps([entry])}).keys[0].scopes == ("decide",)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([entry]))
    assert read({"NBO_API_KEYS_FILE": str(file)}).keys[0].name == "app"
    for wrong, words in (
        ("not json", "is not JSON"),
        ("{}", "is not a list"),
        (json.dumps([{**entry, "scopes": ["all"]}]), "has no scopes"),
        (json.dumps([{**entry, "sha256": "abc"}]), "has no hash"),
        (json.dumps([{**entry, "secret": "s3cr3t"}]), "unknown key"),
        (json.dumps([entry, entry]), "the same name"),
    ):
        with pytest.raises(SettingError, match=words):
            read({"NBO_API_KEYS": wrong})
    with pytest.raises(SettingError, match="is too short") as refused:
        read({"NBO_JWT_KEY": "s3cr3t"})
    assert "s3cr3t" not in str(refused.value)
    with pytest.raises(SettingError, match="NBO_MOST_WAITING makes no sense"):
        read({"NBO_MOST_WAITING": "none"})
    with pytest.raises(SettingError, match="cannot be read"):
        read({"NBO_API_KEYS_FILE": str(tmp_path / "no.json")})


def test_no_page_loads_anything_from_elsewhere(client):
    assert [client.get(page).status_code for page in ("/docs", "/redoc", "/docs/oauth2-redirect")] == [404] * 3
    assert client.get("/openapi.json").json()["info"]["title"] == "nbo"
