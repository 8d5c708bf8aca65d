"""The application conforms to its own OpenAPI document, whatever is sent."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.api.app import create_app
from tests.serving.api.build import KEYS, small_client, small_service

SCHEMA = schemathesis.openapi.from_dict(create_app(small_service).openapi())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
# what takes nothing cannot be given anything wrong
CASES = [(one, "positive") for one in OPERATIONS] + [
    (one, "negative") for one in OPERATIONS if one.method in {"post", "put"} or "{" in one.path
]
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with small_client(tmp_path_factory.mktemp("service")) as client:
        yield client


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=lambda one: getattr(one, "label", one))
def test_every_answer_is_one_that_the_document_describes(client, operation, mode):
    cases = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=cases)
    def send(case):
        sent = case.as_transport_kwargs(base_url="http://nbo", headers={"X-API-Key": KEYS["admin"]})
        sent.pop("cookies", None)
        data = sent.pop("data", None)
        if data is not None:
            sent["content"] = data
        # header values are bytes: the client would refuse to send others than ASCII
        sent["headers"] = {name: value.encode("latin-1") for name, value in sent["headers"].items()}
        answer = client.request(sent.pop("method"), sent.pop("url"), **sent)
        case.validate_response(answer, checks=CHECKS)

    send()
