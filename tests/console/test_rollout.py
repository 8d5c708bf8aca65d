"""The rollout on the page of models: where it stands, what its gates say, and the one click back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from console.links import BASE
from serving.beside import Beside, Shadow
from serving.decider import Decider
from serving.rollout.gate import held_gate
from serving.rollout.report import RolloutReport
from tests.console.build import Browser, browsing, console_app
from tests.serving.api.client import running
from tests.serving.build import AS_OF, Interested, Leaving


def test_a_person_sees_the_shadow_with_its_gates_and_takes_it_back(tmp_path: Path) -> None:
    report = RolloutReport(
        model="demo-propensity", as_of=AS_OF, sentence="", stage="shadow", version="7", share=0.0, since=AS_OF,
        other="6", challenger="7", gates=(held_gate("auc", "too few outcomes"),), moves=(),
    )  # fmt: skip
    asked: list[tuple[str, str, str]] = []
    app = console_app(
        tmp_path, rollout=lambda: report, ask_back=lambda by, why, caller: asked.append((by, why, caller))
    )
    with running(app, {}) as client:
        service = app.state.service
        plain = service.engine.decider
        beside = Beside(shadow=Shadow(cited="7:ab12", scorer=Interested()))
        shadowed = Decider(plain.bank, Leaving(), Interested(), plain.models, beside=beside)
        service.engine = replace(service.engine, decider=shadowed)
        browser = Browser(client)
        browser.enter("data_scientist")
        page = browser.get(f"{BASE}/models").text
        assert "Version 7:ab12 is in the shadow" in page
        assert "Shadow: version 7 since" in page
        assert "compared with version 6; it decides for 0% of the customers in the standard arm." in page
        assert "auc: too few outcomes" in page
        form = {"csrf": browser.token(), "act": "back", "why": "complaints"}
        answer = browser.post(f"{BASE}/models", form)
        assert answer.status_code == 303
        assert asked == [("data_scientist", "complaints", "console")]
        assert "It was asked for" in browser.get(answer.headers["location"]).text
        assert browser.post(f"{BASE}/models", {**form, "act": "forwards"}).status_code == 422


def test_only_who_runs_the_service_takes_a_model_back(tmp_path: Path) -> None:
    with browsing(tmp_path, "marketer") as browser:
        page = browser.get(f"{BASE}/models").text
        assert "No model is on its way into charge." in page
        assert 'value="back"' not in page
        form = {"csrf": browser.token(), "act": "back", "why": "complaints"}
        assert browser.post(f"{BASE}/models", form).status_code == 403
