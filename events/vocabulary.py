"""The event vocabulary of a bank: which events exist, what they carry and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from domain.spec import Spec
from expressions.types import Boolean, Category, ColumnType, Number

ATTRIBUTES_TYPE = "customer_attributes"
"""Reserved type of the event that carries a customer's attributes; its properties are the new values."""

OTHER = "other"
"""Value of a category that stands for those not listed, where its declaration says `other: true`."""

UNKNOWN_TEXT = ""
"""Value of an attribute that is no longer known; no value that is read is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Spec):
    """A named value that an event or a customer carries.

    Attributes:
        type: `number`; `boolean`, written true or false; `category`, one of `values`; `text`, kept, never a feature.
        values: All values that a category may have, in their natural order if there is one.
        other: For a category: true if a value that is not listed counts as `other`; false if it does not fit.
        unit: Unit of a number (`year`, `points`).
        description: What it says about the event or customer.
        personal: True if it identifies a person or is sensitive: it is kept out of models.
        protected: True for a characteristic by which nobody may be put at a disadvantage (`gender`): a simulated
            change of policy is judged by how equally it reaches the groups.
        unreadable: For an attribute: the meaning of a value that cannot be read. `keep` keeps the previous value,
            `unknown` ends it, and anything else is one of its values. By default, a condition about consent in
            policies.yaml decides: its value for no, if it has one, otherwise `unknown`, so that a yes never stays
            because the next answer cannot be read. Without such a condition, a boolean becomes `unknown` and any other
            attribute keeps its value.
    """

    type: Literal["number", "boolean", "category", "text"] = "category"
    values: tuple[str, ...] = ()
    other: bool = False
    unit: str | None = None
    description: str = ""
    personal: bool = False
    protected: bool = False
    unreadable: str | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """All values of a category, with `other` where it stands for the rest.

        Example:
            >>> Property(values=("north", "south"), other=True).allowed
            ('north', 'south', 'other')
        """
        return (*self.values, OTHER) if self.other and OTHER not in self.values else self.values

    @property
    def stands_for_unreadable(self) -> str | None:
        """Value recorded for one that cannot be read; None for no change.

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
        """Column type in expressions; None for text, which has none.

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
                return Category(self.allowed)
            case "text":
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType(Spec):
    """A type of event.

    Attributes:
        description: What happened.
        groups: Groups that it counts in for features; the standard groups are listed in `features/common.yaml`.
        properties: Properties that it carries besides the columns of the contract.
    """

    description: str
    groups: tuple[str, ...] = ()
    properties: dict[str, Property] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEvents(Spec):
    """Event types that record offers put to customers and the customers' answers.

    Attributes:
        presented: Event type of an offer put to a customer: the impression.
        accepted: Event type of the answer that models learn to predict.
        clicked: Event type of interest shown; None if nobody records it.
        declined: Event type of a refusal; None if nobody records it.
        offer_property: Property of these events that names the offer.
        selection_probability_property: Property of `presented` with the probability with which the offer was chosen
            there, a number above 0 and up to 1; None if nobody records it. Such contacts can tell what another policy
            would have earned, even if no logged decision is behind them.
        attribution: How an answer is matched to its impression: by `decision_id`, or, if sources have none, by
            `latest_presented`: the latest impression of the same offer for the customer within the response window.
    """

    presented: str
    accepted: str
    clicked: str | None = None
    declined: str | None = None
    offer_property: str = "offer"
    selection_probability_property: str | None = None
    attribution: Literal["decision_id", "latest_presented"] = "decision_id"

    @property
    def roles(self) -> dict[str, str]:
        """Event type by its role in a contact; roles without a type are left out.

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
    """All event types, attributes and names that a bank uses.

    Attributes:
        channels: Channels in which the bank meets customers; events and treatments name one of them.
        products: Families of products; events and offers name one of them.
        types: Event types by name.
        attributes: Customer attributes by name; each becomes a feature of that name with the last known value.
        contacts: Event types of contacts; None for a bank that has put no offers yet.
        request: Properties of the current situation that a channel may send with a request (`intent`, `device`); rules
            and weights read them as `request_<name>`, NULL if not sent.
    """

    channels: tuple[str, ...]
    products: tuple[str, ...]
    types: dict[str, EventType]
    attributes: dict[str, Property] = field(default_factory=dict)
    contacts: ContactEvents | None = None
    request: dict[str, Property] = field(default_factory=dict)

    def refusing(self, values: Mapping[str, str]) -> Vocabulary:
        """Return the vocabulary with missing `unreadable` of attributes filled from conditions about consent."""
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
            roles_of_type = (f"offer_{role}" for role, type_name in roles.items() if type_name == name)
            for group in dict.fromkeys((*event_type.groups, *roles_of_type)):
                members[group] = (*members.get(group, ()), name)
        return members
