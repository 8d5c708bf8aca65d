"""Five hundred contacts for a channel that refuses in between and hangs: killed in the middle, and begun again."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from serving.delivery.states import State
from tests.docs.pages import ROOT
from tests.records.build import accept, told
from tests.serving.delivery.build import NOW, Post, webhook
from tests.serving.delivery.receiver import SILENT, receiving
from tests.waiting import until

CUSTOMERS = 1_000
BATCH, AT_ONCE = 20, 4
DELIVERING = f"""
import sys
from pathlib import Path
from tests.serving.delivery.build import Post, webhook
from tests.serving.delivery.receiver import Receiver
post = Post(Path(sys.argv[1]), customers={CUSTOMERS})
post.deliver(webhook(Receiver(url=sys.argv[2]), batch={BATCH}, at_once={AT_ONCE}, timeout_seconds=300.0))
"""


def test_nothing_is_lost_or_sent_against_a_no_and_only_what_was_on_its_way_comes_twice(tmp_path: Path) -> None:
    post = Post(tmp_path, customers=CUSTOMERS)
    # not those who were contacted this week already, or never agreed
    customers = [f"c{number:02d}" for number in range(CUSTOMERS) if number % 3 and number % 4 != 1]
    assert post.gather(*customers) == len(customers)
    with receiving(script=[200] * 7 + [SILENT] * AT_ONCE) as receiver:
        command = [sys.executable, "-c", DELIVERING, str(tmp_path), receiver.url]
        with subprocess.Popen(command, cwd=ROOT) as process:
            until(lambda: len(receiver.requests) == 7 + AT_ONCE or process.poll() is not None)
            process.kill()
        assert len(receiver.made) == 7 * BATCH
        # what a killed delivery had taken it has: it is not taken from it before its lease ends
        now = NOW + timedelta(minutes=1)
        refuse = customers[:3] + customers[-3:]
        for customer in refuse:
            no = told(f"no-{customer}", customer, "customer_attributes", at=NOW, properties={"consent_email": "false"})
            accept(post.database, no)
        receiver.script.extend([200, 503, 429])
        target = webhook(receiver, batch=BATCH, at_once=AT_ONCE, timeout_seconds=300.0)
        while any(state is State.WAITING for state in post.states()):
            post.deliver(target, now)
            now += timedelta(hours=2)
        made = {contact["customer_id"] for contact in receiver.made.values()}
        never = set(customers) - made
        assert never == set(refuse) - set(customers[: 7 * BATCH])
        assert receiver.repeated <= AT_ONCE * BATCH, "no more than what was on its way"
        assert receiver.most <= AT_ONCE
    post.database.close()
