"""How the night's planned contacts reach the channels that send them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTarget(Spec):
    """A file for each night, replaced as a whole whenever more of the night's contacts are due.

    Attributes:
        folder: Below `deliveries/` of the bank's state, or an absolute one, as of a mounted drop box.
        format: `csv` with a heading, or `jsonl`, an object a line.
    """

    folder: str
    format: Literal["csv", "jsonl"] = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget(Spec):
    """An address that contacts are posted to, signed, until it answers that it has them.

    Attributes:
        url: Name of the environment variable that holds the address.
        secret: Name of the environment variable that holds the secret of the signatures.
        batch: Contacts in one request.
        at_once: Requests that may be on their way at the same time.
        timeout_seconds: For one request, from looking its address up to the answer's status.
        attempts: After so many a contact is a dead letter.
        wait_seconds: Before the second attempt; doubles with each, up to an hour.
    """

    url: str
    secret: str
    batch: int = 100
    at_once: int = 4
    timeout_seconds: float = 10.0
    attempts: int = 8
    wait_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDelivery(Spec):
    """Where the contacts of one outbound channel go: to a file or to a webhook.

    Attributes:
        channel: One of the policy's outbound channels.
        file: A file a night.
        webhook: An address.
    """

    channel: str
    file: FileTarget | None = None
    webhook: WebhookTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Spec):
    """The content of `delivery.yaml`.

    Attributes:
        channels: Those whose contacts are delivered; the contacts of others stay in the run's folder alone.
        late_hours: A contact that could not be delivered for so long after its time is not made any more.
    """

    channels: tuple[ChannelDelivery, ...] = ()
    late_hours: float = 24.0
