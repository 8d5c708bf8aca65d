import json

import pytest

from config.service import ServiceSettings
from config.stores import SettingError

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def traces(**environ):
    return ServiceSettings.from_environment({**ENDPOINT, **environ}).traces


def test_traces_go_nowhere_unless_an_endpoint_is_set():
    assert ServiceSettings.from_environment({}).traces is None
    assert ServiceSettings.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).traces is None
    assert traces() == "http://collector:4318"
    assert traces(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="https://other/v1/traces") == "https://other/v1/traces"


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "TRUE"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_what_turns_opentelemetry_off_turns_traces_off(off):
    assert traces(**off) is None


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_a_protocol_that_is_not_spoken_is_told(name):
    assert traces(**{name: "http/protobuf"}) is not None
    with pytest.raises(SettingError, match=f"{name} is not supported: got 'grpc', expected http/protobuf"):
        traces(**{name: "grpc"})


def test_an_endpoint_that_is_no_address_is_told_and_not_repeated():
    with pytest.raises(SettingError, match="OTEL_EXPORTER_OTLP_ENDPOINT is not an address") as refused:
        traces(OTEL_EXPORTER_OTLP_ENDPOINT="s3cr3t@collector:4318")
    assert "s3cr3t" not in str(refused.value)


def test_a_key_whose_name_another_caller_could_have_is_refused():
    entry = {"name": "token:anna", "sha256": "0" * 64, "scopes": ["read"]}
    with pytest.raises(SettingError, match="has a colon: got 'token:anna'"):
        ServiceSettings.from_environment({"NBO_API_KEYS": json.dumps([entry])})
