"""The event vocabulary of a bank: which events there are, what they carry, what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from domain.spec import Spec
from expressions.types import Boolean, Category, ColumnType, Number

ATTRIBUTES_TYPE = "customer_attributes"
"""Reserved type of the event that tells a customer's attributes; its properties are their new values."""

UNKNOWN_TEXT = ""
"""What an attribute is told to be that is not known any more; no value that is read is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Spec):
    """A named value that an event or a customer carries.

    Attributes:
        type: `number`; `boolean`, written true or false; `category`, one of `values`; `text`, kept, never a feature.
        values: All that a category may be, in their natural order if they have one.
        unit: Of a number (`year`, `points`).
        description: What it says of the event or customer.
        personal: True for what identifies a person or is sensitive: kept out of models.
        protected: True for what nobody may be put at a disadvantage by (`gender`): a simulated change of policy is
            judged by how alike its groups are reached.
        unreadable: Of an attribute: what a value stands for that a source tells and that cannot be read. `keep` leaves
            the one before in force, `unknown` ends it, and any other is a value that it may have. Without it, a
            condition about consent in policies.yaml decides: the value by which it says no, where it has one, and
            else `unknown`; so a yes never stays because the next answer cannot be read. What no such condition reads
            is `unknown` if it is yes or no, and stays as it was if not.
    """

    type: Literal["number", "boolean", "category", "text"] = "category"
    values: tuple[str, ...] = ()
    unit: str | None = None
    description: str = ""
    personal: bool = False
    protected: bool = False
    unreadable: str | None = None

    @property
    def stands_for_unreadable(self) -> str | None:
        """What is noted where a value cannot be read; None for nothing.

        Example:
            >>> Property(type="boolean").stands_for_unreadable, Property(values=("a",)).stands_for_unreadable
            ('', None)
            >>> Property(type="boolean", unreadable="true").stands_for_unreadable
            'true'
        """
        match self.unreadable or ("unknown" if self.type == "boolean" else "keep"):
            case "keep":
                return None
            case "unknown":
                return UNKNOWN_TEXT
            case value:
                return value

    @property
    def column_type(self) -> ColumnType | None:
        """Type of its column in expressions; None for text, which has none.

        Example:
            >>> Property(type="category", values=("low", "high")).column_type
            Category(values=('low', 'high'))
        """
        match self.type:
            case "number":
                return Number()
            case "boolean":
                return Boolean()
            case "category":
                return Category(self.values)
            case "text":
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType(Spec):
    """A type of event.

    Attributes:
        description: What happened.
        groups: What it counts as in features; the standard groups are listed in `features/common.yaml`.
        properties: What it carries beside the columns of the contract.
    """

    description: str
    groups: tuple[str, ...] = ()
    properties: dict[str, Property] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEvents(Spec):
    """Which events tell of offers put to customers, and of their answers.

    Attributes:
        presented: Event type of an offer put to a customer: the impression.
        accepted: Event type of the answer that models learn to predict.
        clicked: Event type of interest shown; None where nobody records it.
        declined: Event type of a no; None where nobody records it.
        offer_property: Property of these events that names the offer.
        attribution: How an answer finds its impression: by `decision_id`, or, where sources have none, as the
            `latest_presented` of the same offer to the same customer within the response window.
    """

    presented: str
    accepted: str
    clicked: str | None = None
    declined: str | None = None
    offer_property: str = "offer"
    attribution: Literal["decision_id", "latest_presented"] = "decision_id"

    @property
    def roles(self) -> dict[str, str]:
        """Event type by its role in a contact, without the roles that no type plays.

        Example:
            >>> ContactEvents(presented="shown", accepted="taken").roles
            {'presented': 'shown', 'accepted': 'taken'}
        """
        played = {
            "presented": self.presented,
            "clicked": self.clicked,
            "accepted": self.accepted,
            "declined": self.declined,
        }
        return {role: name for role, name in played.items() if name is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary(Spec):
    """Everything that events of a bank may say.

    Attributes:
        channels: In which customers are met; events and treatments name one of them.
        products: Families of products; events and offers name one of them.
        types: By name.
        attributes: Of customers, by name; each becomes a feature of that name, its value last known.
        contacts: None for a bank that has put no offers yet.
        request: What a channel may say of the moment in which it asks (`intent`, `device`); rules and weights read it
            as `request_<name>`, NULL where it was not said.
    """

    channels: tuple[str, ...]
    products: tuple[str, ...]
    types: dict[str, EventType]
    attributes: dict[str, Property] = field(default_factory=dict)
    contacts: ContactEvents | None = None
    request: dict[str, Property] = field(default_factory=dict)

    def refusing(self, values: Mapping[str, str]) -> Vocabulary:
        """Let attributes that do not say what stands for the unreadable have it from conditions about consent."""
        attributes = {
            name: item if item.unreadable or name not in values else replace(item, unreadable=values[name])
            for name, item in self.attributes.items()
        }
        return replace(self, attributes=attributes)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Event types by group, in the order of the vocabulary.

        `contacts` puts its types into `offer_presented`, `offer_clicked`, `offer_accepted` and `offer_declined`.

        Example:
            >>> types = {"app_login": EventType(description="", groups=("login", "activity"))}
            >>> Vocabulary(channels=("app",), products=(), types=types).groups["activity"]
            ('app_login',)
        """
        roles = self.contacts.roles if self.contacts else {}
        members: dict[str, tuple[str, ...]] = {}
        for name, event_type in self.types.items():
            given = (f"offer_{role}" for role, type_name in roles.items() if type_name == name)
            for group in dict.fromkeys((*event_type.groups, *given)):
                members[group] = (*members.get(group, ()), name)
        return members
