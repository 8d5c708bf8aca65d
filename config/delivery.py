"""Delivery of planned contacts to the channels that send them: `delivery.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from domain.spec import Spec

UNHEARD_DAYS: Final = 3.0
"""Days without news after which a contact counts as never made, unless the channel has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTarget(Spec):
    """A file per night, replaced as a whole whenever more of the night's contacts are due.

    Attributes:
        folder: Folder below `deliveries/` of the bank's state, or an absolute one such as a mounted drop box.
        format: `csv` with a header row, or `jsonl`, one object per line.
    """

    folder: str
    format: Literal["csv", "jsonl"] = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget(Spec):
    """A URL to which signed contacts are posted until it confirms that it has them.

    Attributes:
        url: Name of the environment variable that holds the URL.
        secret: Name of the environment variable that holds the secret for signatures.
        batch: Contacts per request.
        at_once: Maximum number of concurrent requests.
        timeout_seconds: Time limit of one request, from resolving the host to the status of the answer.
        attempts: Number of attempts after which a contact becomes a dead letter.
        wait_seconds: Delay before the second attempt; it doubles with each further one, up to an hour.
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
        file: Delivery by a file per night.
        webhook: Delivery by requests to a URL.
    """

    channel: str
    file: FileTarget | None = None
    webhook: WebhookTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Spec):
    """The content of `delivery.yaml`.

    Attributes:
        channels: Channels whose contacts are delivered; contacts of other channels stay in the run's folder.
        late_hours: How long after its time a contact may still be delivered, in hours.
        unheard_days: Days after which a contact of which nothing is heard counts as never made, by channel; 3 for
            channels that are not named, which suits e-mails and push messages. Letters need about 30.
    """

    channels: tuple[ChannelDelivery, ...] = ()
    late_hours: float = 24.0
    unheard_days: dict[str, float] = field(default_factory=dict)

    def days_unheard(self, channel: str) -> float:
        """Return after how many days without news a contact of a channel counts as never made."""
        return self.unheard_days.get(channel, UNHEARD_DAYS)
