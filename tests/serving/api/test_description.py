from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from config.reading import load_bank
from serving.api import customers, models, pauses, queries, rollouts
from serving.api.app import openapi_document
from serving.api.description import EVERYWHERE, EXAMPLES

ROOT = Path(__file__).parents[3]


DOCUMENT: dict[str, Any] = openapi_document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def test_every_field_is_described() -> None:
    silent = [f"{name}.{field}" for name, shape in SCHEMAS.items() for field, of in shape.get("properties", {}).items()
              if not of.get("description")]  # fmt: skip
    assert silent == []


def test_every_parameter_is_described() -> None:
    silent = [f"{path} {parameter['name']}" for path, operations in DOCUMENT["paths"].items()
              for operation in operations.values() for parameter in operation.get("parameters", ())
              if not parameter.get("description")]  # fmt: skip
    assert silent == []


def test_no_description_has_the_sections_of_a_docstring() -> None:
    assert [name for name, shape in SCHEMAS.items() if "Attributes:" in shape.get("description", "")] == []


def test_what_is_described_once_for_all_messages_occurs_in_them() -> None:
    fields = {field for shape in SCHEMAS.values() for field in shape.get("properties", {})}
    assert set(EVERYWHERE) <= fields


def test_every_kind_of_request_has_an_example() -> None:
    asked = {name for name in SCHEMAS if name in EXAMPLES}
    assert asked == set(EXAMPLES)
    sent = str([operation.get("requestBody") for operations in DOCUMENT["paths"].values()
                for operation in operations.values()])  # fmt: skip
    assert {name for name in SCHEMAS if f"/{name}'" in sent} <= asked


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_a_request_that_the_demo_bank_can_answer(name: str) -> None:
    kind: type[BaseModel] = next(
        getattr(module, name) for module in (models, customers, queries, pauses, rollouts) if hasattr(module, name)
    )
    body = kind.model_validate(EXAMPLES[name])
    bank = load_bank(ROOT / "banks" / "demo")
    for one in [body, *getattr(body, "decisions", [])]:
        if getattr(one, "channel", None):
            assert one.channel in bank.vocabulary.channels  # type: ignore[attr-defined]
        for said in getattr(one, "context", {}):
            assert said in bank.vocabulary.request
        if hasattr(one, "scope"):
            bank.offer(one.name)  # type: ignore[attr-defined]
        for consent in getattr(one, "consents", {}):
            assert consent in bank.vocabulary.attributes
        if name in {"EventIn", "CloudEventIn"}:
            assert one.type.rpartition(".")[2] in bank.vocabulary.types  # type: ignore[attr-defined]
