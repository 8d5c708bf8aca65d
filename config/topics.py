"""Properties of the connection to Kafka: a file that `NBO_KAFKA_PROPERTIES` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.stores import SettingError

PROPERTIES: Final = "NBO_KAFKA_PROPERTIES"
SERVERS: Final = "bootstrap.servers"
_OURS: Final = ("group.id", "enable.auto.commit", "enable.metrics.push", "allow.auto.create.topics")


def kafka_properties(environ: Mapping[str, str]) -> dict[str, str]:
    r"""Read the properties of librdkafka, one `name=value` per line; lines that begin with `#` are comments.

    Raises:
        SettingError: There is no file, it cannot be read, a line is none, the brokers are not named, or a property is
            one that nbo sets itself. Values are never repeated: they may be passwords.

    Example:
        >>> file = getfixture("tmp_path") / "kafka.properties"
        >>> _ = file.write_text("# of the bank's cluster\nbootstrap.servers = kafka.bank.example:9093\n")
        >>> kafka_properties({"NBO_KAFKA_PROPERTIES": str(file)})
        {'bootstrap.servers': 'kafka.bank.example:9093'}
    """
    name = environ.get(PROPERTIES)
    if not name:
        raise SettingError(f"{PROPERTIES} is not set", expected=f"a file with {SERVERS}=HOST:PORT")
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingError(f"{PROPERTIES} names a file that cannot be read", got=f"'{name}': {why}") from error
    properties: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise SettingError(f"line {number} of {name} is no property", expected="name=value")
        if key.strip() in _OURS:
            raise SettingError(
                f"line {number} of {name} sets a property that nbo sets itself", got=key.strip(), remedy="remove it"
            )
        properties[key.strip()] = value.strip()
    if not properties.get(SERVERS):
        raise SettingError(f"{name} does not name the brokers", expected=f"{SERVERS}=HOST:PORT")
    return properties
