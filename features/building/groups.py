"""Groups of event types, including those of contacts."""

from __future__ import annotations

from events.vocabulary import Vocabulary


def event_groups(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """List event types by group: the groups that types declare, and the four that `contacts` defines.

    Example:
        >>> from events.vocabulary import ContactEvents, EventType
        >>> contacts = ContactEvents(presented="offer_sent", accepted="offer_taken")
        >>> types = {"offer_sent": EventType(description=""), "offer_taken": EventType(description="")}
        >>> event_groups(Vocabulary(channels=(), products=(), types=types, contacts=contacts))
        {'offer_presented': ('offer_sent',), 'offer_accepted': ('offer_taken',)}
    """
    groups = dict(vocabulary.groups)
    contacts = vocabulary.contacts
    if contacts is None:
        return groups
    for answer in ("presented", "clicked", "accepted", "declined"):
        event_type: str | None = getattr(contacts, answer)
        if event_type is not None and event_type in vocabulary.types:
            group = f"offer_{answer}"
            groups[group] = tuple(dict.fromkeys((*groups.get(group, ()), event_type)))
    return groups
