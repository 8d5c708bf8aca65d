"""An outbox of the small bank, with real database, log, reader and policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from config.delivery import WebhookTarget
from decisioning.budgets.budget import Budget
from domain.addresses import Inside
from records.database import Database
from records.decision_log import DecisionLog
from records.journal import Journal
from serving.batch.charges import ContactUses, charge_batch, remaining_before_batch
from serving.batch.contacts import SCHEMA
from serving.customer_features import CustomerReader
from serving.delivery.delivering import ChannelReport, deliver
from serving.delivery.outbox import Outbox
from serving.delivery.permission import DeliveryPermission
from serving.delivery.states import State
from serving.delivery.targets import Target
from serving.delivery.webhook import Webhook
from serving.service.budgets import remaining
from serving.service.clock import Clock
from serving.service.withdrawal import WithdrawalService
from tests.serving.build import AS_OF, POLICY, small_bank, small_decider, small_log
from tests.serving.delivery.receiver import SECRET, Receiver

NIGHT = "2026-03-02"
NOW = AS_OF + timedelta(minutes=1)
HERE = ("127.0.0.1",)
LATE = timedelta(hours=24)
AGREE = ("c02", "c04", "c07", "c08", "c10", "c11")
"""Agree to e-mails, and got none this week."""

LETTERS = Budget(name="letters", amount=100.0, unit="letters", channels=("email",))
BANK = replace(small_bank(replace(POLICY, outbound={"email": 9})), budgets=(LETTERS,))

MIDNIGHT = datetime.fromisoformat(NIGHT).replace(tzinfo=BANK.time_zone)


def contacts(customers: Sequence[str], *, run: str = "run", at: datetime = AS_OF, **more: Any) -> pa.Table:
    rows = [
        {
            "customer_id": customer,
            "channel": "email",
            "contact_at": at,
            "offer": "savings_plus",
            "treatment": "letter",
            "slot": None,
            "priority_before_prices": 1.0,
            "plan_probability": 1.0,
            "decision_id": f"{run}-{customer}",
            **more,
        }
        for customer in customers
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


class Post:
    """The outbox, and what is needed to deliver it."""

    def __init__(self, folder: Path, url: str | None = None, customers: int = 12) -> None:
        self.log = small_log(folder / "log", customers)
        self.database = Database(url or f"sqlite:///{folder / 'decisions.db'}")
        self.outbox = Outbox(self.database, {"savings_plus": "savings"})
        reader = CustomerReader(BANK, self.log, None, Journal(self.database, BANK.vocabulary.contacts))
        decider = small_decider(BANK)
        self.policy = decider.policy
        self.permission = DeliveryPermission(decider, reader, seed=7)

    def gather(self, *customers: str, run: str = "run", night: str = NIGHT, **more: Any) -> int:
        midnight = datetime.fromisoformat(night).replace(tzinfo=BANK.time_zone)
        return self.outbox.gather(run, midnight, contacts(customers, run=run, **more))

    def deliver(self, target: Target, now: datetime = NOW) -> ChannelReport:
        [report] = deliver(self.outbox, {"email": target}, self.permission, lambda: now, LATE)
        return report

    def charge(self, *customers: str, run: str = "run", midnight: datetime = MIDNIGHT) -> None:
        """Insert the contacts of a plan, one letter per customer."""
        ids = [f"{run}-{customer}" for customer in customers]
        uses = ContactUses(ids, customers, {"letters": np.ones(len(ids))})
        charge_batch(self.database, self.policy, midnight, run, {"letters": float(len(ids))}, [uses])

    def letters_for_the_night(self) -> float:
        """Return what a batch run may plan with."""
        return remaining_before_batch(self.database, self.policy, MIDNIGHT)["letters"]

    def letters_spent(self) -> float:
        return LETTERS.amount - remaining(self.database, self.policy, NOW)["letters"]

    def withdraw(self, decision_id: str) -> None:
        """Withdraw as a channel does."""
        service = WithdrawalService(DecisionLog(self.database), Clock(NOW), lambda: "offer_presented")
        service.withdraw(decision_id, "channel")

    def states(self) -> dict[State, int]:
        return {state: count for (_, state), count in self.outbox.counts().items()}


def webhook(receiver: Receiver, secret: str = SECRET, inside: Sequence[str] = HERE, **more: Any) -> Webhook:
    settings = {"batch": 4, "at_once": 1, "timeout_seconds": 30.0, "attempts": 3, "wait_seconds": 60.0, **more}
    return Webhook(WebhookTarget(url="URL", secret="SECRET", **settings), receiver.url, secret, "small", Inside(inside))
