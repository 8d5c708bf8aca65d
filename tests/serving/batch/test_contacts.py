"""Contacts of a part, with the time at which each goes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.policy import QuietHours
from domain.event import Event
from events.schema import table_of
from events.vocabulary import Property
from serving.batch.contacts import planned_contacts
from serving.batch.option_files import OptionFiles
from serving.batch.part import OFFERS, WISHES, decide_part, part_file
from tests.serving.build import AS_OF, POLICY, VOCABULARY, features_of_all, small_bank, small_decider, small_log

ZONES = ("Europe/Amsterdam", "America/Curacao", "Asia/Tokyo")
LIVES_IN = {"c02": ZONES[0], "c04": ZONES[1], "c10": ZONES[2]}
NIGHT = QuietHours(name="night", channels=("email",), from_hour=21, until_hour=8)


@pytest.mark.parametrize("quiet", [(), (NIGHT,)], ids=["any hour", "quiet at night"])
def test_contacts_go_out_at_their_channel_s_hour_on_the_recipient_s_clock(tmp_path, quiet):
    zones = {**VOCABULARY.attributes, "time_zone": Property(values=ZONES)}
    policy = replace(POLICY, outbound={"email": 9}, recipient_time_zone="time_zone", quiet_hours=quiet)
    bank = small_bank(policy, replace(VOCABULARY, attributes=zones))
    log = small_log(tmp_path / "log")
    told = AS_OF - timedelta(days=1)
    log.append(
        table_of(
            [
                Event(
                    event_id=f"zone-{customer}",
                    customer_id=customer,
                    type="customer_attributes",
                    occurred_at=told,
                    available_at=told,
                    properties={"time_zone": zone},
                )
                for customer, zone in LIVES_IN.items()
            ]
        )
    )
    midnight = (AS_OF + timedelta(days=1)).astimezone(bank.time_zone).replace(hour=0, minute=0)
    decider, features = small_decider(bank), features_of_all(bank, log, midnight)
    decide_part(decider, features, DecisionContext(as_of=midnight, seed=7), folder=tmp_path, part="p")
    options = OptionFiles(tmp_path / WISHES, ["p"]).read("p")
    contacts = planned_contacts(
        decider.policy,
        pq.read_table(part_file(tmp_path, OFFERS, "p")),
        features.customer_ids,
        options,
        np.where(options.candidates[:, 0] >= 0, np.int32(0), np.int32(-1)),
        features.to_arrow()["time_zone"].to_pylist(),
    ).to_pylist()
    leaves = {one["customer_id"]: one["contact_at"] for one in contacts}
    for customer, zone in LIVES_IN.items():
        assert leaves[customer] == datetime.combine(midnight.date(), time(9), ZoneInfo(zone))
    unknown = set(leaves) - set(LIVES_IN)
    assert unknown == (set() if quiet else {"c07", "c08", "c11"}), "at 9 o'clock in Curacao they sleep in Tokyo"
    assert {leaves[customer] for customer in unknown} <= {leaves["c04"]}, "the last of all"
