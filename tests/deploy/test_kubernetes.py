"""Manifests against the schemas of Kubernetes, and against the program, the image and compose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nbo.worker import GRACE_SECONDS
from tests.deploy.test_containers import COMPOSE, OURS, instructions, understood, variables_read
from tests.deploy.test_monitoring import KNOWN
from tests.docs.pages import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
VERSIONS = ("1.31", "1.37")
SECRETS = {"stores": {"online-store", "decision-log", "mlflow", "prefect"}, "callers": {"api_keys.json"}}
"""What the guide has one make."""
GUIDE = (ROOT / "docs" / "guides" / "kubernetes.md").read_text(encoding="utf-8")


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(FOLDER.glob("*.yaml")):
        if file.name != "kustomization.yaml":
            for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                yield f"{file.name} {document['kind']} {document['metadata']['name']}", document


DOCUMENTS = dict(documents())
PODS = {name: said["spec"]["template"] for name, said in DOCUMENTS.items() if "template" in said.get("spec", {})}
WORKLOADS = {said["metadata"]["name"]: said for said in DOCUMENTS.values() if said["kind"] in {"Deployment", "Job"}}


def container(pod: dict[str, Any]) -> dict[str, Any]:
    [found] = pod["spec"]["containers"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(DOCUMENTS[name], version, strict=True)


def test_every_manifest_is_part_of_the_kustomization_but_the_job_that_runs_once() -> None:
    files = {file.name for file in FOLDER.glob("*.yaml")}
    assert files - set(KUSTOMIZATION["resources"]) == {"kustomization.yaml", "first_run.yaml"}
    assert set(KUSTOMIZATION["resources"]) <= files
    assert len({(said["kind"], said["metadata"]["name"]) for said in DOCUMENTS.values()}) == len(DOCUMENTS)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_confined_and_its_file_system_is_what_it_mounts(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["securityContext"]["runAsUser"] == 10001
    assert any("--uid 10001" in text for text in instructions("RUN"))
    inner = container(PODS[name])["securityContext"]
    assert inner == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert spec["enableServiceLinks"] is False
    mounted = {mount["name"]: mount for mount in container(PODS[name])["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in spec["volumes"]}
    assert mounted["state"]["mountPath"] == instructions("VOLUME")[0]
    assert mounted["temporary"]["mountPath"] == "/tmp"


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_needs_is_made_here_or_by_the_guide(name: str) -> None:
    text = yaml.safe_dump(PODS[name])
    for secret, key in re.findall(r"key: ([\w.-]+)\n\s+name: (\w+)", text):
        assert secret in SECRETS[key]
    made = {"settings", "bank", "state", "callers"} | set(SECRETS)
    assert set(re.findall(r"(?:claimName|secretName): (\w+)", text)) <= made
    for secret, keys in SECRETS.items():
        assert f"create secret generic {secret}" in GUIDE
        assert all(key in GUIDE for key in keys)
    assert "create configmap bank" in GUIDE


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs_what_compose_runs_with_settings_that_are_read(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]
    command = container(pod)["command"]
    like = "flows" if name == "first-run" else name
    if name == "first-run":
        assert command == ["nbo", "--bank", "/srv/bank", "run"]
    else:
        assert command == [str(word) for word in OURS[like]["command"]]
    if command[0] == "nbo":
        understood(command[1:])
    given = {one["name"] for one in container(pod).get("env", [])}
    if "envFrom" in container(pod):
        [settings] = KUSTOMIZATION["configMapGenerator"]
        given |= {literal.partition("=")[0] for literal in settings["literals"]}
    assert given <= variables_read()
    assert given == set(OURS[like]["environment"])


def test_servers_are_found_by_the_names_and_ports_of_their_services() -> None:
    services = {said["metadata"]["name"]: said["spec"] for said in DOCUMENTS.values() if said["kind"] == "Service"}
    ports = {name: str(spec["ports"][0]["port"]) for name, spec in services.items()}
    [settings] = KUSTOMIZATION["configMapGenerator"]
    for host, port in re.findall(r"http://(\w+):(\d+)", " ".join(settings["literals"])):
        assert ports[host] == port
    for name, spec in services.items():
        pod = WORKLOADS[name]["spec"]["template"]
        assert spec["selector"].items() <= pod["metadata"]["labels"].items()
        [port] = container(pod)["ports"]
        command = container(pod)["command"]
        assert command[command.index("--port") + 1] == str(port["containerPort"]) == ports[name]


def test_the_service_is_asked_whether_it_is_ready_and_ends_in_peace() -> None:
    from serving.api.health import router

    spec = WORKLOADS["service"]["spec"]["template"]["spec"]
    service = container({"spec": spec})
    asked = {name: service[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert asked == {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    assert set(asked.values()) <= {route.path for route in router.routes}  # type: ignore[attr-defined]
    before = service["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= GRACE_SECONDS + before
    assert WORKLOADS["service"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    callers = COMPOSE["services"]["service"]["environment"]["NBO_API_KEYS_FILE"]
    assert callers.startswith("/run/secrets/")


def test_replicas_follow_a_metric_that_the_service_has_and_one_always_answers() -> None:
    scaler = next(said for said in DOCUMENTS.values() if said["kind"] == "HorizontalPodAutoscaler")["spec"]
    adapter = yaml.safe_load((ROOT / "deploy" / "monitoring" / "adapter.yaml").read_text())
    [rule] = adapter["rules"]
    assert rule["name"]["as"] == scaler["metrics"][0]["pods"]["metric"]["name"]
    assert re.match(r"\w+", rule["seriesQuery"])[0] in KNOWN  # type: ignore[index]
    assert scaler["scaleTargetRef"]["name"] == "service"
    assert "replicas" not in WORKLOADS["service"]["spec"], "it would undo what the autoscaler has done"
    budget = next(said for said in DOCUMENTS.values() if said["kind"] == "PodDisruptionBudget")["spec"]
    assert budget["minAvailable"] < scaler["minReplicas"]


def test_servers_that_ask_nobody_who_they_are_answer_only_nbo() -> None:
    policies = {
        said["metadata"]["name"]: said["spec"] for said in DOCUMENTS.values() if said["kind"] == "NetworkPolicy"
    }
    [chosen] = policies["servers"]["podSelector"]["matchExpressions"]
    assert set(chosen["values"]) == {"mlflow", "prefect"}
    [allowed] = policies["servers"]["ingress"][0]["from"]
    [labels] = KUSTOMIZATION["labels"]
    assert labels["includeTemplates"] is True
    assert allowed["podSelector"]["matchLabels"] == labels["pairs"]


def test_no_secret_is_written_down() -> None:
    for file in FOLDER.glob("*.yaml"):
        assert not re.search(r"(?i)password|://\w+:\S+@", file.read_text()), file
