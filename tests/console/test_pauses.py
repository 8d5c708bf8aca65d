from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.links import BASE
from domain.pause import PauseScope
from records.schema import AUDIT
from tests.console.build import browsing

ZONE = ZoneInfo("Europe/Amsterdam")


def form_for(browser, target="channel:email", reason="wrong rate", hours=5):
    now = browser.client.app.state.service.clock.now().astimezone(ZONE)
    until = (now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")
    return {"csrf": browser.token(), "act": "pause", "target": target, "reason": reason, "until": until}


def test_whoever_may_pauses_with_reason_name_and_end_and_resumes(tmp_path):
    with browsing(tmp_path, role="marketer") as browser:
        service = browser.client.app.state.service
        answer = browser.post(f"{BASE}/pauses", form_for(browser))
        assert answer.status_code == 303
        [pause] = service.pauses.in_force()
        assert (pause.scope, pause.name, pause.reason, pause.by) == (
            PauseScope.CHANNEL,
            "email",
            "wrong rate",
            "marketer",
        )
        page = browser.get(answer.headers["location"]).text
        assert "Channel Email is paused:" in page
        assert "0 waiting contacts caught" in page
        assert "wrong rate" in page
        assert "wrong rate" in browser.get(f"{BASE}/overview").text
        [row] = browser.get(f"{BASE}/pauses/data/pauses.json").json()["rows"]
        assert (row["held"], row["left"], row["by"]) == (0, 0, "marketer")
        gone = browser.post(f"{BASE}/pauses", {"csrf": browser.token(), "act": "resume", "target": "channel:email"})
        assert "is no longer paused" in browser.get(gone.headers["location"]).text
        assert not service.pauses.in_force()
        with service.database.reading() as connection:
            acts = {row.act for row in connection.execute(select(AUDIT)) if row.caller == "console:marketer"}
        assert {"pause", "resume"} <= acts


def test_the_service_decides_accordingly_at_once(tmp_path):
    with browsing(tmp_path) as browser:
        service = browser.client.app.state.service
        browser.post(f"{BASE}/pauses", form_for(browser, "offer:savings_plus"))
        assert any(rule.name.startswith("paused") for rule in service.engine.decider.policy.rules)


@pytest.mark.parametrize("role", ["viewer", "adviser", "data_scientist"])
def test_others_see_pauses_and_cannot_press_the_button(tmp_path, role):
    with browsing(tmp_path, role=role) as browser:
        page = browser.get(f"{BASE}/pauses")
        assert page.status_code == 200
        assert "Pause now" not in page.text
        assert browser.post(f"{BASE}/pauses", form_for(browser)).status_code == 403
        assert not browser.client.app.state.service.pauses.in_force()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": ""}, "choose what to pause"),
        ({"target": "offer:nobody"}, "no such offer"),
        ({"until": "soon"}, "say until when it is paused"),
        ({"until": "2020-01-01T00:00"}, "the pause would be over already"),
        ({"reason": "  "}, "a pause needs a reason"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused_with_a_sentence(tmp_path, change, said):
    with browsing(tmp_path) as browser:
        answer = browser.post(f"{BASE}/pauses", form_for(browser) | change)
        assert answer.status_code == 422
        assert said in answer.text
        assert not browser.client.app.state.service.pauses.in_force()
