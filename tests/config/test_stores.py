import json
from urllib.parse import quote

import pytest
from feast.infra.online_stores.redis import RedisOnlineStore
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from config.stores import DecisionLogPlace, OnlineStore, SettingError

SECRET = "hunter2-and-more"


def redis_words(text: str) -> dict[str, object]:
    """Parse the connection string as Feast does."""
    settings = OnlineStore.read(text).feast_settings()
    assert settings is not None
    [node], words = RedisOnlineStore._parse_connection_string(settings["connection_string"])
    return {**node, **words}


def test_nothing_set_is_the_embedded_store_and_log() -> None:
    settings = Settings.from_environment({})
    assert settings.online_store.feast_settings() is None
    assert settings.decision_log.url("demo") is None
    assert settings.online_store == OnlineStore.read("sqlite")


def test_a_redis_url_becomes_feasts_settings() -> None:
    words = redis_words(f"redis://nbo:{SECRET}@cache.bank.example:6380/3?socket_timeout=2")
    assert words == {
        "host": "cache.bank.example",
        "port": "6380",
        "db": 3,
        "username": "nbo",
        "password": SECRET,
        "socket_timeout": 2,
        "socket_connect_timeout": 5,
        "retry": None,
    }


def test_rediss_is_redis_with_tls() -> None:
    words = redis_words("rediss://cache.bank.example?ssl_ca_certs=/etc/ca.pem")
    assert (words["ssl"], words["port"], words["db"], words["ssl_ca_certs"]) == (True, "6379", 0, "/etc/ca.pem")


@given(password=st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_any_password_reaches_redis_as_it_is(password: str) -> None:
    assert redis_words(f"redis://:{quote(password, safe='')}@cache")["password"] == password


def test_a_postgresql_url_becomes_feasts_settings_with_tls_unless_told_otherwise() -> None:
    url = f"postgresql://nbo:{quote('p@ss/w:rd')}@db.bank.example/features"
    settings = OnlineStore.read(url.replace("p%40ss/w", "p%40ss%2Fw")).feast_settings()
    assert settings == {
        "type": "features.store.postgres.PostgreSQLOnlineStore",
        "host": "db.bank.example",
        "port": 5432,
        "database": "features",
        "user": "nbo",
        "password": "p@ss/w:rd",
        "connect_timeout_seconds": 5,
    }
    plain = OnlineStore.read("postgresql://nbo@db/f?sslmode=disable&schema=nbo&connect_timeout=2").feast_settings()
    assert plain is not None
    assert (plain["sslmode"], plain["db_schema"], plain["connect_timeout_seconds"]) == ("disable", "nbo", 2)


def test_an_object_is_feasts_own_words_with_bounded_waits() -> None:
    words = {"type": "redis", "redis_type": "redis_cluster", "connection_string": "a:6379,b:6379,socket_timeout=1"}
    settings = OnlineStore.read(json.dumps(words)).feast_settings()
    assert settings == {
        "type": "redis",
        "redis_type": "redis_cluster",
        "skip_dedup": True,
        "connection_string": "a:6379,b:6379,socket_timeout=1,socket_connect_timeout=5,retry=null",
    }
    assert OnlineStore.read('{"type": "dynamodb", "region": "x"}').feast_settings() == {
        "type": "dynamodb",
        "region": "x",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mongodb://u:hunter2-and-more@h/d", "'mongodb://...'"),
        ("redi://u:hunter2-and-more@h/d", "'redis' \\(did you mean it"),
        ("u:hunter2-and-more@h/d", "something without ://"),
        ("redis://u:hunter2-and-more/x@h/0", "write special characters"),
        ("redis://:hunter2-and-more@/0", "is not a valid address"),
        ("redis://:hunter2-and-more@a:1,b:2/0", "several hosts need the JSON form"),
        ("redis://:hunter2-and-more@[::1]:6379/0", "one host by name or IPv4"),
        ("redis://:hunter2-and-more@h/first", "a Redis database is a number"),
        ("redis://:hunter2-and-more@h?socket_timout=1", "'socket_timeout' \\(did you mean it"),
        ("redis://:hunter2-and-more@h?socket_timeout=soon", "is not a number"),
        ("postgresql://:hunter2-and-more@h/d", "has no user"),
        ("postgresql://u:hunter2-and-more@h", "has no database"),
        ("postgresql://u:hunter2-and-more@h/d?ssl=1", "'sslmode'|unknown option"),
        ('{"type": "redis", "password": "hunter2-and-more"', "is not JSON"),
        ('{"password": "hunter2-and-more"}', "has no type"),
    ],
)
def test_a_store_that_is_not_understood_is_told_without_its_password(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said) as refused:
        OnlineStore.read(text)
    assert "NBO_ONLINE_STORE" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "text", ["mysql://u:hunter2-and-more@h/d", "postgresql://u:hunter2-and-more@h", "sqlite:///", "hunter2-and-more"]
)
def test_a_log_that_is_not_understood_is_told_without_its_password(text: str) -> None:
    with pytest.raises(SettingError, match="NBO_DECISION_LOG") as refused:
        DecisionLogPlace.read(text)
    assert "hunter2" not in str(refused.value)


def test_a_decision_log_goes_through_psycopg_with_tls_and_a_bounded_wait_unless_told_otherwise() -> None:
    place = DecisionLogPlace.read("postgresql://nbo:p%40ss@db.bank.example/log_{bank}")
    assert place.url("demo") == (
        "postgresql+psycopg://nbo:p%40ss@db.bank.example/log_demo?sslmode=require&connect_timeout=5"
    )
    told = DecisionLogPlace.read("postgresql+psycopg://nbo@db/log?connect_timeout=9&sslmode=disable")
    assert told.url("demo") == "postgresql+psycopg://nbo@db/log?connect_timeout=9&sslmode=disable"


def test_passwords_are_not_shown() -> None:
    settings = Settings.from_environment(
        {
            "NBO_ONLINE_STORE": f"redis://nbo:{SECRET}@cache/0",
            "NBO_DECISION_LOG": f"postgresql://nbo:{SECRET}@db/log",
        }
    )
    assert SECRET not in repr(settings)
    assert settings.online_store.shown == "redis://nbo:***@cache:6379/0"
    assert hash(settings) == hash(settings)
