"""The TypeScript client nbo_client/typescript/nbo.ts, generated from the service's OpenAPI document.

Its methods are called as those of the Python client; its retries follow `nbo_client.retrying`.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nbo_client import calls

Json = Mapping[str, Any]

PROBES: Final = {("get", "/healthz"): "alive"}
"""Routes without a method in the Python client; `/metrics` is for Prometheus."""

_HEAD = """\
// Client of nbo, the open next-best-offer engine, for browsers, Deno, Bun and Node 19 or newer; it needs nothing else.
// Written by `make docs` from the service's OpenAPI document; change nbo/documents/typescript.py, not this file.
"""

_CLIENT = """
export interface Options {
  /** API key or bearer token. */
  key: string;
  /** Number of attempts in all; 1 for no retries. */
  attempts?: number;
  /** Longest wait before the second attempt; it doubles with each. */
  firstSeconds?: number;
  /** Limit of every wait; if the service asks for a longer one, the request is not sent again. */
  longestSeconds?: number;
  /** Time limit of each attempt. */
  timeoutSeconds?: number;
}

/** The service answered with a problem, or not at all (status 0). */
export class ServiceError extends Error {
  constructor(readonly status: number, readonly problem: Partial<ProblemDetails>) {
    super(problem.title ?? `the service answered ${status}`);
    this.name = "ServiceError";
  }
}

const AGAIN = new Set([429, 502, 503, 504]);

/** Calls the service; each call is sent again under the same id where that may help, so nothing counts twice. */
export class NboClient {
  readonly #address: string;
  readonly #options: Required<Options>;

  constructor(address: string, options: Options) {
    this.#address = address.replace(/\\/+$/, "");
    this.#options = { attempts: 4, firstSeconds: 0.1, longestSeconds: 5, timeoutSeconds: 10, ...options };
  }
%METHODS%
  async #send<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const { attempts, firstSeconds, longestSeconds, key, timeoutSeconds } = this.#options;
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    for (let attempt = 1; ; attempt++) {
      let response: Response | undefined;
      let problem: Partial<ProblemDetails> = { title: "the service does not answer" };
      try {
        response = await fetch(this.#address + path, {
          method,
          headers,
          body: body === undefined ? undefined : JSON.stringify(body),
          signal: AbortSignal.timeout(timeoutSeconds * 1000),
          redirect: "error",
        });
        const text = await response.text();
        if (response.ok) return JSON.parse(text) as Answer;
        problem = text.startsWith("{") ? JSON.parse(text) : { title: response.statusText };
      } catch (error) {
        if (response?.ok) throw error;
        problem.detail = String(error);
      }
      const status = response?.status ?? 0;
      const asked = retryAfterSeconds(response?.headers.get("retry-after") ?? null);
      const again = response === undefined || AGAIN.has(status);
      if (!again || attempt >= attempts || (asked ?? 0) > longestSeconds) throw new ServiceError(status, problem);
      const most = Math.min(longestSeconds, firstSeconds * 2 ** (attempt - 1));
      const wait = asked === null ? most * Math.random() : asked + firstSeconds * Math.random();
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
}

function retryAfterSeconds(value: string | null): number | null {
  if (value === null) return null;
  if (/^\\d+$/.test(value)) return Number(value);
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? null : Math.max(0, (moment - Date.now()) / 1000);
}
"""


def typescript_client(document: Json) -> str:
    """Write the client: an interface for each message, and a method for each route.

    Args:
        document: OpenAPI 3.1, as `GET /openapi.json` answers it.
    """
    schemas, names = document["components"]["schemas"], methods()
    lines = [line for name, schema in schemas.items() for line in _interface(name, schema)]
    written = [
        line
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if (method, _place(path)) in names
        for line in _method(method, path, operation, schemas, names[method, _place(path)])
    ]
    return _HEAD + "\n".join(lines) + _CLIENT.replace("%METHODS%", "\n".join([*written, ""]))


def methods() -> dict[tuple[str, str], str]:
    """Return the name of each route's method, by verb and path: that of the Python client's first call of it.

    Example:
        >>> methods()["post", "/v1/decisions/{}/withdrawal"]
        'withdraw'
    """
    found = dict(PROBES)
    for function in ast.parse(inspect.getsource(calls)).body:
        match function:
            case ast.FunctionDef(
                name=name, body=[*_, ast.Return(value=ast.Call(func=ast.Name(id="Call"), args=[verb, path, *_]))]
            ):
                found.setdefault((ast.literal_eval(verb).lower(), _path(path)), _camel(name))
    return found


def _path(written: ast.expr) -> str:
    parts = written.values if isinstance(written, ast.JoinedStr) else [written]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def _place(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def _interface(name: str, schema: Json) -> Iterator[str]:
    yield from ("", *_comment(schema.get("description", ""), ""), f"export interface {name} {{")
    needed = schema.get("required", ())
    for field, kind in schema.get("properties", {}).items():
        yield from _comment(kind.get("description", ""), "  ")
        yield f"  {field}{'' if field in needed else '?'}: {_type(kind)};"
    yield "}"


def _method(method: str, path: str, operation: Json, schemas: Json, name: str) -> Iterator[str]:
    parts = re.findall(r"{(\w+)}", path)
    arguments = [f"{_camel(part)}: string" for part in parts]
    address = re.sub(r"{(\w+)}", lambda found: f"${{encodeURIComponent({_camel(found[1])})}}", path)
    sent = ""
    if "requestBody" in operation:
        (content, *_) = operation["requestBody"]["content"].values()
        body = content["schema"]
        arguments.append(f"body: {_type(body)}")
        fields = schemas.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        sent = ", { request_id: crypto.randomUUID(), ...body }" if "request_id" in fields else ", body"
    answer = _type(next(iter(operation["responses"]["200"]["content"].values()))["schema"])
    yield from ("", *_comment(operation["description"], "  "))
    yield f"  {name}({', '.join(arguments)}): Promise<{answer}> {{"
    yield f'    return this.#send("{method.upper()}", `{address}`{sent});'
    yield "  }"


def _type(schema: Json) -> str:
    match schema:
        case {"$ref": str(path)}:
            kind = path.rpartition("/")[2]
        case {"const": value}:
            kind = json.dumps(value)
        case {"enum": values}:
            kind = " | ".join(map(json.dumps, values))
        case {"anyOf": several} | {"oneOf": several}:
            kind = " | ".join(dict.fromkeys(_type(one) for one in several))
        case {"type": "array"}:
            kind = f"Array<{_type(schema.get('items', {}))}>"
        case {"type": "object"}:
            values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
            kind = f"Record<string, {next((_type(one) for one in values if isinstance(one, Mapping)), 'unknown')}>"
        case {"type": "integer"} | {"type": "number"}:
            kind = "number"
        case {"type": "string"} | {"type": "boolean"} | {"type": "null"}:
            kind = schema["type"]
        case _:
            kind = "unknown"
    return kind


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _comment(text: str, indent: str) -> Iterator[str]:
    lines = text.replace("*/", "* /").splitlines()
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */"
    elif lines:
        yield from (f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */")
