"""The TypeScript client, checked by its compiler and at work beside the real service."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from deno import find_deno_bin

import nbo_client
from config.service import ConnectionLimits
from nbo.documents.typescript import methods
from serving.api.app import openapi_document
from tests.serving.api.build import KEYS
from tests.serving.api.sockets import listening

CLIENT = Path(nbo_client.__file__).parent / "typescript" / "nbo.ts"
SCRIPT = """
import {{ NboClient, ServiceError }} from "{client}";

const us = new NboClient("{address}", {{ key: "{key}" }});
const decision = await us.decide({{ customer_id: "c05", channel: "app" }});
const told = await us.tell({{ event_id: "e1", customer_id: "c05", type: "login" }});
const again = await us.tell({{ event_id: "e1", customer_id: "c05", type: "login" }});
const customer = await us.customer("c05");
let refused: ServiceError | undefined;
try {{
  await us.decide({{ customer_id: "c05", channel: "fax" }});
}} catch (error) {{
  refused = error as ServiceError;
}}
const away = await new NboClient("http://127.0.0.1:9", {{ key: "k", attempts: 2 }}).alive().catch((error) => error);
const fates = [told.results[0].fate, again.results[0].fate];
const [offer] = decision.offers.map((one) => one.offer);
console.log(JSON.stringify({{
  offer, fates, stage: customer.stage, refused: refused?.status, remedy: refused?.problem.expected, away: away.status,
}}));
"""


def run(arguments: list[str], folder: Path) -> str:
    quiet = {"DENO_DIR": str(folder / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    ended = subprocess.run(
        [find_deno_bin(), *arguments], env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_every_route_but_that_of_metrics_has_a_method() -> None:
    paths = openapi_document()["paths"]
    routes = {(method, re.sub("{.*?}", "{}", path)) for path, operations in paths.items() for method in operations}
    assert routes - set(methods()) == {("get", "/metrics")}
    assert set(methods()) <= routes


def test_the_client_decides_tells_and_reads_problems(tmp_path: Path) -> None:
    script = tmp_path / "application.ts"
    with listening(tmp_path, ConnectionLimits()) as (host, port):
        address = f"http://{host}:{port}"
        script.write_text(SCRIPT.format(client=CLIENT.as_uri(), address=address, key=KEYS["admin"]))
        run(["check", "--quiet", str(script)], tmp_path)
        said = json.loads(run(["run", "--quiet", "--no-remote", "--allow-net", str(script)], tmp_path))
    assert said["offer"] in {"savings_plus", "budget_check"}  # one of five decisions explores
    assert said["fates"] == ["accepted", "duplicate"]
    assert said["refused"] == 422
    assert "app" in said["remedy"]
    assert said["away"] == 0


def test_the_compiler_finds_a_question_without_a_channel(tmp_path: Path) -> None:
    script = tmp_path / "application.ts"
    script.write_text(
        f'import {{ NboClient }} from "{CLIENT.as_uri()}";\n'
        'new NboClient("http://nbo", { key: "k" }).decide({ customer_id: "c05" });\n'
    )
    with pytest.raises(AssertionError, match="channel"):
        run(["check", "--quiet", str(script)], tmp_path)
