"""Properties of the connection to Kafka."""

from pathlib import Path

import pytest

from config.stores import SettingError
from config.topics import kafka_properties


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "does not name the brokers: expected bootstrap.servers=HOST:PORT"),
        ("bootstrap.servers=\n", "does not name the brokers"),
        ("# cluster\nbootstrap.servers\n", "line 2 of {file} is no property: expected name=value"),
        ("enable.auto.commit=true\n", "line 1 of {file} sets a property that nbo sets itself: got enable.auto.commit"),
        ("sasl.password secret\n", "line 1 of {file} is no property: expected name=value"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_without_its_values(content: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(content)
    with pytest.raises(SettingError) as told:
        kafka_properties({"NBO_KAFKA_PROPERTIES": str(file)})
    assert what.format(file=file) in str(told.value)
    assert "secret" not in str(told.value)


def test_a_value_may_contain_what_separates_names(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("bootstrap.servers=a:9092,b:9092\nsasl.password = p=q#1 \n\n")
    found = kafka_properties({"NBO_KAFKA_PROPERTIES": str(file)})
    assert found == {"bootstrap.servers": "a:9092,b:9092", "sasl.password": "p=q#1"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot be read: got '.*/none': No such file"):
        kafka_properties({"NBO_KAFKA_PROPERTIES": str(tmp_path / "none")})
