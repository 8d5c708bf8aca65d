import gzip
import importlib.util
import re
from pathlib import Path

import nbformat
import pyarrow.parquet as pq

from config.changes import changed_bank
from config.reading import load_bank
from nbo.rooms import ROOMS
from tests.docs.pages import ROOT, blocks

CHANGE = ROOT / "examples" / "savings_autumn.yaml"
NOTEBOOK = ROOT / "examples" / "compare_models.ipynb"

XES = """<?xml version="1.0" encoding="UTF-8" ?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <string key="concept:name" value="small"/>
  <trace>
    <date key="REG_DATE" value="2011-10-01T00:38:44.546+02:00"/>
    <string key="concept:name" value="173688"/>
    <string key="AMOUNT_REQ" value="20000"/>
    <event>
      <string key="org:resource" value="112"/>
      <string key="lifecycle:transition" value="COMPLETE"/>
      <string key="concept:name" value="A_SUBMITTED"/>
      <date key="time:timestamp" value="2011-10-01T00:38:44.546+02:00"/>
    </event>
    <event>
      <string key="lifecycle:transition" value="START"/>
      <string key="concept:name" value="W_Completeren aanvraag"/>
      <date key="time:timestamp" value="2011-10-01T11:36:46.437+02:00"/>
    </event>
  </trace>
</log>
"""


def test_the_notebook_was_executed_in_order_without_errors_or_warnings() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5


def test_the_notebook_is_small_and_names_no_folder_of_a_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 400_000
    assert not re.search(r"(/home/|/Users/|/root/|/work/|/tmp/| at 0x)", text)


def test_the_notebook_asks_only_for_what_the_program_has() -> None:
    code = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code")
    features = load_bank(ROOT / "banks" / "demo").features.features
    (names,) = re.findall(r"training_set\(\"churn\", \[(.*?)\]\)", code)
    assert set(re.findall(r'"(\w+)"', names)) <= set(features)
    for module in re.findall(r"^from ([\w.]+) import", code, re.MULTILINE):
        assert importlib.util.find_spec(module), module


def test_the_notebook_needs_one_import_of_ours() -> None:
    code = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code")
    ours = [line for line in code.splitlines() if re.match(rf"(from|import) ({'|'.join((*ROOMS, 'nbo'))})\b", line)]
    assert ours == ["from nbo.api import open_bank"]


def test_the_change_of_the_guide_is_the_example_and_a_bank() -> None:
    (shown,) = blocks(ROOT / "docs" / "guides" / "what-if.md", "yaml")
    assert shown == CHANGE.read_text(encoding="utf-8")
    today, changed = load_bank(ROOT / "banks" / "demo"), changed_bank(ROOT / "banks" / "demo", CHANGE)
    assert {offer.name for offer in today.offers} - {offer.name for offer in changed.offers} == {"insurance_travel"}
    assert {weight.name: weight.factor for weight in changed.policy.levers}["savings_campaign"] == 1.6
    assert {budget.name: budget.amount for budget in changed.budgets}["call_slots"] == 90.0


def test_a_published_log_becomes_the_columns_that_the_bank_reads(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("xes_to_parquet", ROOT / "examples" / "xes_to_parquet.py")
    assert specification is not None
    assert specification.loader is not None
    converter = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(converter)
    log, events = tmp_path / "log.xes.gz", tmp_path / "events.parquet"
    log.write_bytes(gzip.compress(XES.encode()))
    assert converter.convert(log, events) == 2
    rows = pq.read_table(events).to_pylist()
    assert rows[0]["case_id"] == 173688
    assert rows[0]["amount_requested"] == 20000
    assert rows[0]["time"].isoformat() == "2011-09-30T22:38:44.546000+00:00"
    assert [row["resource"] for row in rows] == [112, None]
    assert [row["seq"] for row in rows] == [0, 1]
    (source,) = load_bank(ROOT / "banks" / "bpi2012").sources
    named = [name for value in source.columns.values() for name in ([value] if isinstance(value, str) else value)]
    assert set(named) <= set(rows[0])
