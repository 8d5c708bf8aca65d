import json
import subprocess
import sys

from tests.docs.pages import ROOT

HEAVY = ("pandas", "mlflow", "prefect", "feast", "lightgbm", "sklearn")


def loaded_after(module, *names):
    names = names or HEAVY
    code = f"import json, sys, {module}; print(json.dumps([name for name in {names!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_application_needs_no_frame_no_framework_and_no_model_library():
    assert loaded_after("serving.api.app") == []


def test_who_is_not_traced_loads_no_part_of_tracing():
    assert loaded_after("wiring.service", "opentelemetry.sdk", "opentelemetry.exporter", "requests") == []


def test_a_worker_never_has_the_registry_or_the_flows():
    assert not {"mlflow", "prefect"} & set(loaded_after("wiring.service, features.store.online"))


def test_the_supervisor_needs_no_model_library_and_no_framework():
    assert loaded_after("nbo.commands, nbo.service, wiring.components") == []


def test_who_looks_after_the_champions_needs_no_model_library():
    assert not {"lightgbm", "prefect", "feast"} & set(loaded_after("wiring.models"))


def test_feast_is_loaded_without_checks_of_every_argument():
    code = "import features.store.repository, feast; print(feast.FeatureView.__init__.__code__.co_names)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "check_argument_types" not in done.stdout
