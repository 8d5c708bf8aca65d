"""Contact limits as features: how often a customer was contacted, or responded, in the last days."""

from __future__ import annotations

from collections.abc import Iterator

from decisioning.policies.candidates import in_scope
from decisioning.policies.policy import ContactLimit, Policy
from domain.offer import Offer, Treatment, candidates_of
from events.vocabulary import ContactEvents, Vocabulary
from features.definitions import AggregateFeature, Where


def limit_features(policy: Policy, offers: tuple[Offer, ...], vocabulary: Vocabulary) -> tuple[AggregateFeature, ...]:
    """Declare the counts that the contact limits compare, one for each group of contacts counted together.

    A limit that names channels counts the contacts in these channels only; a limit per channel counts the
    contacts in the candidate's channel. A limit per product does not apply to offers without a product. Limits of a
    bank without `contacts`, or on a response that no event reports, have no counts: `compile_policy` reports them.

    Example:
        >>> vocabulary = Vocabulary(channels=("app", "email"), products=(), types={},
        ...                         contacts=ContactEvents(presented="offer_presented", accepted="offer_accepted"))
        >>> loan = Offer(name="loan", description="", value="180", stages=(),
        ...              treatments=(Treatment(channel="email", message="letter"),))
        >>> weekly = ContactLimit(name="weekly", per="channel", at_most=1, days=7)
        >>> [count.name for count in limit_features(Policy(contact_limits=(weekly,)), (loan,), vocabulary)]
        ['limit_weekly_email']
    """
    contacts = vocabulary.contacts
    if contacts is None:
        return ()
    counts: dict[str, AggregateFeature] = {}
    for limit in policy.contact_limits:
        event_type: str | None = getattr(contacts, limit.of)
        if event_type is None:
            continue
        for offer, treatment in candidates_of(offers):
            for member, where in _counted(limit, offer, treatment, event_type, contacts):
                name = f"limit_{limit.name}_{member}"
                counts.setdefault(name, _count(limit, where, name, member))
    return tuple(counts.values())


def counts_for(limit: ContactLimit, offer: Offer, treatment: Treatment) -> tuple[str, ...]:
    """Return the features whose sum is a candidate's count under a limit; empty if the limit does not apply."""
    members = (member for member, _ in _counted(limit, offer, treatment, "", ContactEvents(presented="", accepted="")))
    return tuple(f"limit_{limit.name}_{member}_{limit.days}d" for member in members)


def _counted(
    limit: ContactLimit, offer: Offer, treatment: Treatment, event_type: str, contacts: ContactEvents
) -> Iterator[tuple[str, Where]]:
    """Yield the parts that add up to a candidate's count, each with the events it counts."""
    if not in_scope(limit, offer, treatment):
        return
    types = (event_type,)
    if limit.after_offers:
        for name in limit.after_offers:
            yield from _by_channel(limit, name, Where(types=types, properties={contacts.offer_property: name}))
        return
    match limit.per:
        case "channel":
            yield treatment.channel, Where(types=types, channel=treatment.channel)
        case "customer":
            yield from _by_channel(limit, None, Where(types=types))
        case "product":
            if offer.product is not None:
                yield from _by_channel(limit, offer.product, Where(types=types, product=offer.product))
        case "offer":
            where = Where(types=types, properties={contacts.offer_property: offer.name})
            yield from _by_channel(limit, offer.name, where)


def _by_channel(limit: ContactLimit, member: str | None, where: Where) -> Iterator[tuple[str, Where]]:
    if not limit.channels:
        yield member or "all", where
    for channel in limit.channels:
        name = channel if member is None else f"{member}_{channel}"
        yield (
            name,
            Where(types=where.types, channel=channel, product=where.product, properties=dict(where.properties)),
        )


def _count(limit: ContactLimit, where: Where, name: str, member: str) -> AggregateFeature:
    return AggregateFeature(
        name=name,
        description=f"What the contact limit {limit.name} counts: {limit.of}, {member.replace('_', ' ')}",
        aggregate="count",
        where=where,
        windows_days=(limit.days,),
        unit="events",
        topic="offer",
        owner="policy",
    )
