"""Ask a running service what to offer a customer, and tell it that the first offer was put to them.

Start one with `nbo --bank banks/demo serve`, which prints a key for its run, then:

    python examples/ask.py http://127.0.0.1:8000 C002262 app

The key is read from the environment (NBO_KEY), so that it stands in no list of processes.
"""

from __future__ import annotations

import os
import sys

from nbo_client.client import NboClient
from nbo_client.messages import Event, Question
from nbo_client.problems import ServiceError


def ask(client: NboClient, customer_id: str, channel: str) -> list[str]:
    """Ask, tell, and say it in lines."""
    decision = client.decide(Question(customer_id=customer_id, channel=channel, reasons=True))
    lines = [f"{customer_id} in {channel}: stage {decision.stage}, decision {decision.decision_id}"]
    for offer in decision.offers:
        lines.append(f"{offer.rank}. {offer.offer} as {offer.message}, propensity {offer.propensity}")
        lines += [f"   {reason.sentence}" for reason in offer.reasons]
    if not decision.offers:
        return [*lines, str(decision.fallback)]
    presented = Event(
        customer_id=customer_id,
        type="offer_presented",
        channel=channel,
        properties={"offer": decision.offers[0].offer},
        decision_id=decision.decision_id,
    )
    return [*lines, f"told: {client.tell(presented).fate}"]


def main(url: str, customer_id: str, channel: str) -> int:
    """Ask, and print."""
    try:
        with NboClient(url, key=os.environ.get("NBO_KEY", "")) as client:
            print("\n".join(ask(client, customer_id, channel)))
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
