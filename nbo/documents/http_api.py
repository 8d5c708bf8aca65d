"""The reference docs/http_api.md, generated from the service's OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def http_api_reference(document: Json) -> str:
    """Write the reference as Markdown: every route with its request and answer, then every message with its fields.

    Args:
        document: OpenAPI 3.1, as `GET /openapi.json` answers it.

    Example:
        >>> route = {"summary": "Alive", "description": "Says so.", "responses": {"200": {"description": "Fine"}}}
        >>> print(http_api_reference({"paths": {"/healthz": {"get": route}}, "components": {"schemas": {}}}))
        ... # doctest: +ELLIPSIS
        # HTTP API
        ...
        ## GET /healthz
        <BLANKLINE>
        Says so.
        ...
    """
    lines = [
        "# HTTP API",
        "",
        "Written by `make docs` from the service's OpenAPI document; change the docstrings of `serving/api` and",
        "`nbo_client/messages.py`, not this page. The [guide](guides/service.md) says how to start the service, who",
        "may call it and what it does when something fails. Errors are [problems](#problemdetails).",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines += ["", f"## {method.upper()} {path}", "", operation["description"], *_operation(operation)]
    lines += ["", "## Messages"]
    for name, schema in document["components"]["schemas"].items():
        lines += ["", f"### {name}", "", schema.get("description", ""), *_fields(schema)]
    return "\n".join(lines) + "\n"


def _operation(operation: Json) -> Iterator[str]:
    parameters = operation.get("parameters", ())
    if parameters:
        yield from ("", "| parameter | in | type | meaning |", "|---|---|---|---|")
    for parameter in parameters:
        kind = _kind(parameter["schema"])
        yield f"| `{parameter['name']}` | {parameter['in']} | {kind} | {_cell(parameter['description'])} |"
    body = operation.get("requestBody")
    if body is not None:
        kinds = (_kind(content["schema"]) for content in body["content"].values())
        yield from ("", f"Request: {', '.join(dict.fromkeys(kinds))}")
    answers = operation["responses"]
    problems = [status for status in answers if status >= "400"]
    yield ""
    yield f"Answer: {', '.join(f'{status} {_answer(answers[status])}' for status in answers if status < '400')}"
    if problems:
        yield from ("", f"Problems: {', '.join(problems)}")


def _answer(answer: Json) -> str:
    kinds = dict.fromkeys(_kind(content.get("schema", {})) for content in answer.get("content", {}).values())
    return " or ".join(kinds) or answer["description"]


def _fields(schema: Json) -> Iterator[str]:
    needed = schema.get("required", ())
    yield from ("", "| field | type | default | meaning |", "|---|---|---|---|")
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in needed else f"`{json.dumps(field['default'])}`" if "default" in field else ""
        yield f"| `{name}` | {_kind(field)} | {default} | {_cell(field['description'])} |"
    for example in schema.get("examples", ()):
        yield from ("", "```json", json.dumps(example, indent=2), "```")


def _kind(schema: Json) -> str:
    """Say what a value is: its type, those of its parts, and links to messages."""
    match schema:
        case {"$ref": str(path)}:
            name = path.rpartition("/")[2]
            kind = f"[{name}](#{name.lower()})"
        case {"const": value}:
            kind = f"`{json.dumps(value)}`"
        case {"enum": values}:
            kind = ", ".join(f"`{json.dumps(value)}`" for value in values)
        case {"anyOf": several} | {"oneOf": several}:
            kind = " or ".join(dict.fromkeys(_kind(one) for one in several))
        case {"type": "array"}:
            kind = f"list of {_kind(schema.get('items', {}))}"
        case {"type": "object"}:
            values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
            of = next((_kind(value) for value in values if isinstance(value, Mapping) and value), "")
            kind = f"object of {of}" if of else "object"
        case {"format": "date-time"}:
            kind = "moment"
        case _:
            kind = str(schema.get("type", "anything"))
    return kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
