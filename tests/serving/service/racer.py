"""A replica in a process of its own: asks for letters as fast as it can, and tells what it was answered.

Run as `python -m tests.serving.service.racer URL FOLDER BUDGET CUSTOMER...`; it waits for a line before it begins.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from decisioning.budgets.budget import Budget
from serving.service.decision_request import DecisionRequest
from tests.serving.api.build import small_service
from tests.serving.build import small_bank


def main() -> None:
    url, folder, amount, *customers = sys.argv[1:]
    budget = Budget(name="letters", amount=float(amount), unit="letters", channels=("email",))
    service = small_service(Path(folder), bank=replace(small_bank(), budgets=(budget,)), url=url)
    print("ready", flush=True)
    sys.stdin.readline()
    answers = [
        json.loads(service.decision_queue.ask(DecisionRequest(customer_id=customer, channel="email")).result())
        for customer in customers
    ]
    service.close()
    print(json.dumps([[one["customer_id"], [offer["offer"] for offer in one["offers"]]] for one in answers]))


if __name__ == "__main__":
    main()
