"""Contact limits as features: how often a customer was contacted, or answered, in the last days."""

from __future__ import annotations

from collections.abc import Iterator

from decisioning.policy import ContactLimit, Policy
from domain.offer import Offer, Treatment
from events.vocabulary import Vocabulary
from features.definitions import AggregateFeature, Where


def limit_features(policy: Policy, offers: tuple[Offer, ...], vocabulary: Vocabulary) -> tuple[AggregateFeature, ...]:
    """Declare the counts that the contact limits compare, one for each thing that is counted together.

    A limit that names channels counts the contacts in these channels only; a limit per channel counts the
    contacts of the candidate's own. A limit per product does not hold for offers that belong to none. Limits of a
    bank without `contacts`, or of an answer that no event tells, have no counts: `compile_policy` reports them.

    Example:
        >>> from events.vocabulary import ContactEvents
        >>> vocabulary = Vocabulary(channels=("app", "email"), products=(), types={},
        ...                         contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted"))
        >>> weekly = ContactLimit(name="weekly", per="channel", at_most=1, days=7, channels=("email",))
        >>> [count.name for count in limit_features(Policy(contact_limits=(weekly,)), (), vocabulary)]
        ['limit_weekly_email']
    """
    return tuple(
        _count(limit, where, name)
        for limit in policy.contact_limits
        for name, where in _counted_together(limit, offers, vocabulary)
    )


def counts_for(limit: ContactLimit, offer: Offer, treatment: Treatment) -> tuple[str, ...]:
    """Name the features whose sum is the count of a candidate under a limit; empty where it does not apply."""
    if limit.channels and treatment.channel not in limit.channels:
        return ()
    match limit.per:
        case "channel":
            members: tuple[str, ...] = (treatment.channel,)
        case "customer":
            members = limit.channels or ("all",)
        case "product" if offer.product is None:
            members = ()
        case _:
            member = offer.name if limit.per == "offer" else str(offer.product)
            members = tuple(f"{member}_{channel}" for channel in limit.channels) or (member,)
    return tuple(f"limit_{limit.name}_{member}_{limit.days}d" for member in members)


def _counted_together(
    limit: ContactLimit, offers: tuple[Offer, ...], vocabulary: Vocabulary
) -> Iterator[tuple[str, Where]]:
    contacts = vocabulary.contacts
    event_type: str | None = getattr(contacts, limit.of, None)
    if contacts is None or event_type is None:
        return
    types = (event_type,)
    match limit.per:
        case "channel":
            for channel in limit.channels or vocabulary.channels:
                yield channel, Where(types=types, channel=channel)
        case "customer":
            yield from _by_channel(limit, None, Where(types=types))
        case "product":
            for product in vocabulary.products:
                yield from _by_channel(limit, product, Where(types=types, product=product))
        case "offer":
            for offer in offers:
                properties = {contacts.offer_property: offer.name}
                yield from _by_channel(limit, offer.name, Where(types=types, properties=properties))


def _by_channel(limit: ContactLimit, member: str | None, where: Where) -> Iterator[tuple[str, Where]]:
    if not limit.channels:
        yield member or "all", where
    for channel in limit.channels:
        name = channel if member is None else f"{member}_{channel}"
        yield (
            name,
            Where(types=where.types, channel=channel, product=where.product, properties=dict(where.properties)),
        )


def _count(limit: ContactLimit, where: Where, member: str) -> AggregateFeature:
    return AggregateFeature(
        name=f"limit_{limit.name}_{member}",
        description=f"What the contact limit {limit.name} counts: {limit.of}, {member.replace('_', ' ')}",
        aggregate="count",
        where=where,
        windows_days=(limit.days,),
        unit="events",
        topic="offer",
        owner="policy",
    )
