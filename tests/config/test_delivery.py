"""Every kind of mistake in delivery.yaml is reported with its line and what was expected."""

from pathlib import Path

import pytest

from config.delivery import ChannelDelivery, Delivery, FileTarget
from config.reading import load_bank
from tests.config.folders import Folder

RIGHT = """\
channels:
  - channel: push
    webhook: {url: PUSH_URL, secret: PUSH_SECRET}
late_hours: 12
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path).replace(
        "policies.yaml",
        "offers_per_channel",
        "outbound: {push: 9}\nwithout_consent: {push: a test}\noffers_per_channel",
    )
    return folder.write("delivery.yaml", RIGHT)


def test_a_bank_says_where_its_contacts_go(folder: Folder) -> None:
    [entry] = load_bank(folder.path).delivery.channels
    assert entry.webhook is not None
    assert (entry.channel, entry.webhook.url, entry.webhook.batch) == ("push", "PUSH_URL", 100)
    folder.write("delivery.yaml", "channels: [{channel: push, file: {folder: push}}]")
    assert load_bank(folder.path).delivery == Delivery(
        channels=(ChannelDelivery(channel="push", file=FileTarget(folder="push")),)
    )


def test_how_contacts_are_delivered_is_no_version_of_decisions(folder: Folder) -> None:
    before = load_bank(folder.path).digest
    folder.write("delivery.yaml", "")
    (folder.path / "delivery.yaml").unlink()
    assert load_bank(folder.path).digest == before


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("channel: push", "channel: app", 2, "not an outbound channel of the policy: got 'app', expected one of push"),
        ("url: PUSH_URL", "url: https://a:b@c", 3, "not the name of a variable: got 13 characters"),
        ("secret: PUSH_SECRET", "secret: hunter2", 3, "not the name of a variable: got 7 characters"),
        ("secret: PUSH_SECRET", "secret: S, batch: 0", 3, "out of range: got 0, expected above 0, at most 1000"),
        ("secret: PUSH_SECRET", "secret: S, timeout_seconds: 1000", 3, "out of range: got 1000"),
        ("late_hours: 12", "late_hours: 0", 4, "late_hours is not positive: got 0, expected a number above 0"),
        ("webhook: {url: PUSH_URL, secret: PUSH_SECRET}", "file: {folder: ' '}", 3, "no folder"),
        ("    webhook: {url: PUSH_URL, secret: PUSH_SECRET}\n", "", 2, "a channel has one target: got neither"),
        (
            "late_hours: 12",
            "late_hour: 12",
            4,
            "unknown key: got 'late_hour', expected 'late_hours'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(folder: Folder, old: str, new: str, line: int, words: str) -> None:
    [problem] = folder.replace("delivery.yaml", old, new).problems()
    assert problem.startswith(f"delivery.yaml:{line}: ")
    assert words in problem


def test_a_channel_has_one_entry_and_one_target(folder: Folder) -> None:
    twice = RIGHT.replace("late_hours: 12", "  - {channel: push, file: {folder: push}, webhook: {url: U, secret: S}}")
    told = folder.write("delivery.yaml", twice).problems()
    assert [words.split(": ", 1)[1].split(":")[0] for words in told] == [
        "duplicate channel",
        "a channel has one target",
    ]
