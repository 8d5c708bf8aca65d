"""What is watched, from which limits on it is a matter of concern, and who is told: `watching.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Spec):
    """Limits of one figure; above both the light is red, in between it is amber.

    Where a low figure is the bad one, `amber` is above `red`.

    Attributes:
        amber: From here on somebody should look.
        red: From here on somebody is told.
    """

    amber: float
    red: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Spec):
    """The limits of every figure.

    Attributes:
        drift: Population stability index of a feature or score against the first kept run of the same models; it
            counts only above what chance explains.
        realised: Factor by which realised and expected value of an offer differ, either way (1.25 is 0.8 to 1.25); it
            counts only if the interval excludes 1.
        calibration: The same for acceptances against propensities.
        stale_hours: Hours since the latest news of the event log, and since the last decided night.
        day_share: Events of the last whole day over the median of the same weekday in the 4 weeks before.
        confirmed_share: Confirmed over exported contacts of a channel in the last 35 days.
        without_offer_inbound: Share of decisions of the last night in inbound channels that have no offer.
        without_offer_outbound: The same for outbound channels.
        impressions: Impressions of an offer that is sold in the last 28 days.
        acceptance: Acceptance rate of the last 7 matured days over that of the 7 before; it counts only if chance
            does not explain it (two-sided 1 %).
    """

    drift: Limit = field(default_factory=lambda: Limit(amber=0.1, red=0.25))
    realised: Limit = field(default_factory=lambda: Limit(amber=1.25, red=1.5))
    calibration: Limit = field(default_factory=lambda: Limit(amber=1.25, red=1.5))
    stale_hours: Limit = field(default_factory=lambda: Limit(amber=36.0, red=60.0))
    day_share: Limit = field(default_factory=lambda: Limit(amber=0.6, red=0.3))
    confirmed_share: Limit = field(default_factory=lambda: Limit(amber=0.9, red=0.8))
    without_offer_inbound: Limit = field(default_factory=lambda: Limit(amber=0.6, red=0.9))
    without_offer_outbound: Limit = field(default_factory=lambda: Limit(amber=0.9, red=0.99))
    impressions: Limit = field(default_factory=lambda: Limit(amber=100.0, red=0.0))
    acceptance: Limit = field(default_factory=lambda: Limit(amber=0.8, red=0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmWebhook(Spec):
    """A URL to which alarms are posted, signed as contacts are.

    Attributes:
        url: Name of the environment variable that holds the URL.
        secret: Name of the environment variable that holds the secret for signatures.
        timeout_seconds: Time limit of one request.
    """

    url: str
    secret: str
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmMail(Spec):
    """An SMTP server through which alarms are sent.

    Attributes:
        server: Name of the environment variable that holds its address (`smtp://user:password@host:587`, which is
            encrypted by STARTTLS if there is a password, or `smtps://...`).
        sender: Address of the sender.
        to: Addresses of the recipients.
        timeout_seconds: Time limit of the connection.
    """

    server: str
    sender: str
    to: tuple[str, ...]
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching(Spec):
    """The content of `watching.yaml`.

    Attributes:
        limits: Limits of the figures.
        window_minutes: A light must have been red for so long before somebody is told.
        cool_down_minutes: A light that turns red again is not told again before this.
        webhook: Where alarms are posted; none for nowhere. The log has them always.
        mail: Through which server they are sent; none for no e-mail.
    """

    limits: Limits = field(default_factory=Limits)
    window_minutes: float = 0.0
    cool_down_minutes: float = 60.0
    webhook: AlarmWebhook | None = None
    mail: AlarmMail | None = None
