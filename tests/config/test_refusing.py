"""A refusal is never lost, from the delivered file to the consent condition."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from config.bank import Bank
from config.reading import load_bank
from events.importing import import_sources
from events.log import EventLog
from events.quarantine import Reason
from events.report import ImportReport
from features.compute import compute_features
from features.moments import Moments
from tests.config.folders import Folder

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ATTRIBUTES = (
    "  hardship: {type: boolean}\n  consent_app: {type: boolean}\n  refuses: {type: boolean}\n"
    "  post: {type: category, values: [all, urgent, none]}\n  wishes: {type: number}\n"
)
POLICY = (
    "consent: {app: consent_app, push: \"post <> 'none' AND wishes > 0 AND age >= 18\"}\n"
    'rules:\n  - {name: refused, kind: consent, require: "refuses IS NULL OR NOT refuses"}\n'
)
SOURCE = """\
- name: crm
  kind: attributes
  files: ["*.csv"]
  columns: {customer_id: client, occurred_at: since}
  properties: {consent_app: app, refuses: refuses, post: post, wishes: wishes, region: region}
"""
HEADER = "client,since,app,refuses,post,wishes,region\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path).write("sources.yaml", SOURCE)
    return folder.replace("events.yaml", "  hardship: {type: boolean}\n", ATTRIBUTES).replace(
        "policies.yaml", "rules:\n", POLICY
    )


def _known(bank: Bank, files: Path, deliveries: Iterable[str]) -> tuple[dict[str, list[float]], ImportReport]:
    """Return the features of K1 as of the last delivery."""
    log = EventLog(files.parent / "log", buckets=1)
    files.mkdir(exist_ok=True)
    for number, rows in enumerate(deliveries):
        (files / f"{number}.csv").write_text(HEADER + rows)
    report = import_sources(log, bank.sources, bank.vocabulary, files, files.parent / "quarantine", now=NOW)
    moments = Moments(np.array(["K1"], dtype=object), np.array(["2026-06-01"], dtype="datetime64[us]"))
    found = compute_features(log.read_bucket(0), moments, bank.feature_definitions)
    return {name: found.columns[name].tolist() for name in bank.vocabulary.attributes}, report


YES = "K1,2026-03-01,true,false,all,5,north\n"


def test_the_folder_tells_by_which_value_each_attribute_refuses(folder: Folder) -> None:
    attributes = load_bank(folder.path).vocabulary.attributes
    assert {name: item.unreadable for name, item in attributes.items() if item.unreadable} == {
        "consent_app": "false",
        "refuses": "true",
        "post": "none",
        "wishes": "unknown",
        "birth_year": "unknown",
    }


def test_what_cannot_be_read_leaves_no_older_yes_in_force(folder: Folder, tmp_path: Path) -> None:
    bank = load_bank(folder.path)
    known, report = _known(bank, tmp_path / "files", [YES, "K1,2026-03-02,N,J,nothing,?,west\n"])
    assert (known["consent_app"], known["refuses"], known["post"]) == ([0.0], [1.0], [2.0])
    assert np.isnan(known["wishes"]).all()
    assert known["region"] == [0.0]
    assert (report.total.accepted, report.total.quarantined, report.total.parts) == (2, 0, {Reason.PROPERTY_UNFIT: 5})


def test_an_unfit_attribute_costs_only_itself(folder: Folder, tmp_path: Path) -> None:
    bank = load_bank(folder.path)
    known, report = _known(bank, tmp_path / "files", [YES, "K1,2026-03-02,false,,,,west\n", "K1,2026-03-03,,,,,west\n"])
    assert (known["consent_app"], known["region"], known["post"]) == ([0.0], [0.0], [0.0])
    assert (report.total.accepted, report.total.quarantined) == (2, 1)  # the last row says nothing that can be read
    assert report.total.parts == {Reason.PROPERTY_UNFIT: 1}


@pytest.mark.parametrize("rows", [YES + "K1,2026-03-01,false,true,none,,\n", "K1,2026-03-01,false,true,none,,\n" + YES])
def test_of_a_yes_and_a_no_for_the_same_moment_the_no_counts(folder: Folder, tmp_path: Path, rows: str) -> None:
    known, _ = _known(load_bank(folder.path), tmp_path / "files", [rows])
    assert (known["consent_app"], known["refuses"], known["post"]) == ([0.0], [1.0], [2.0])


def test_a_blank_field_means_what_the_source_declares(folder: Folder, tmp_path: Path) -> None:
    folder.replace("sources.yaml", "  properties:", '  values: {consent_app: {"": "false"}}\n  properties:')
    folder.replace("sources.yaml", "  properties:", "  blank: {post: unknown, region: keep}\n  properties:")
    known, _ = _known(load_bank(folder.path), tmp_path / "files", [YES, "K1,2026-03-02,,,,,\n"])
    assert (known["consent_app"], known["refuses"], known["region"]) == ([0.0], [0.0], [0.0])
    assert np.isnan(known["post"]).all()


def test_the_bank_can_say_otherwise(folder: Folder, tmp_path: Path) -> None:
    folder.replace("events.yaml", "consent_app: {type: boolean}", "consent_app: {type: boolean, unreadable: keep}")
    folder.replace("events.yaml", "values: [all, urgent, none]}", "values: [all, urgent, none], unreadable: urgent}")
    known, _ = _known(load_bank(folder.path), tmp_path / "files", [YES, "K1,2026-03-02,N,,?,,\n"])
    assert (known["consent_app"], known["post"]) == ([1.0], [1.0])


def test_nonsense_about_the_unreadable_and_the_blank_is_told(folder: Folder) -> None:
    folder.replace("events.yaml", "post: {type: category,", "post: {type: category, unreadable: never,")
    folder.replace(
        "events.yaml", "properties: &offer {offer: {type: text}}", "properties: {offer: {type: text, unreadable: keep}}"
    )
    folder.replace("events.yaml", "properties: *offer", "properties: {offer: {type: text}}")
    folder.replace(
        "sources.yaml",
        "  properties:",
        '  values: {region: {" W": north, "": north}, channel: {A: app}}\n  properties:',
    )
    folder.replace("sources.yaml", "  properties:", "  blank: {region: unknown, hardship: keep}\n  properties:")
    told = "\n".join(folder.problems())
    assert "a value that 'post' cannot have: got 'never', expected keep, unknown, or one of all, none, urgent" in told
    assert "an event with an unreadable property is quarantined" in told
    assert "a value that never occurs: got ' W', expected 'W': values are trimmed" in told
    assert "values are mapped for a field that nothing fills: got 'channel'" in told
    assert "a blank field has two meanings: got 'region'" in told
    assert "a blank field has a meaning only for attributes: got 'hardship'" in told
