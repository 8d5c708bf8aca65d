from __future__ import annotations

from dataclasses import replace

from events.vocabulary import ContactEvents, EventType
from tests.events.build import VOCABULARY


def test_contacts_put_their_types_into_the_groups_of_offers() -> None:
    assert VOCABULARY.groups == {
        "activity": ("app_login", "card_payment", "offer_accepted"),
        "offer_presented": ("offer_presented",),
        "offer_accepted": ("offer_accepted",),
    }


def test_a_group_that_is_also_declared_is_not_doubled() -> None:
    shown = EventType(description="", groups=("offer_presented",))
    contacts = ContactEvents(presented="shown", accepted="taken", clicked="clicked", declined="refused")
    types = {"shown": shown, **{name: EventType(description="") for name in ("taken", "clicked", "refused")}}
    assert replace(VOCABULARY, types=types, contacts=contacts).groups == {
        "offer_presented": ("shown",),
        "offer_accepted": ("taken",),
        "offer_clicked": ("clicked",),
        "offer_declined": ("refused",),
    }
