"""What a bank allows, prefers and limits, as its folder says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from domain.spec import Spec

RuleKind = Literal["consent", "eligibility", "applicability", "suitability", "service_first", "contact_limit"]
RULE_ORDER: tuple[RuleKind, ...] = (
    "consent",
    "eligibility",
    "applicability",
    "suitability",
    "service_first",
    "contact_limit",
)
"""The order in which kinds are asked; the first rule that fails names the rejection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Spec):
    """A condition a candidate must satisfy; NULL and errors fail it.

    Attributes:
        name: As rejections and reports tell it.
        kind: Kinds are asked in the order consent, eligibility, applicability, suitability, service_first,
            contact_limit; the first rule that fails names the rejection.
        description: Why the rule exists.
        require: SQL condition over features, `offer_*` attributes (`offer_cost`, `offer_rate_percent`), `channel`,
            and `family_*`: the feature of that name of the offer's own product (`family_held` is `savings_held`
            for an offer of savings); beside them `offer`, `offer_product`, `contact_cost`, `churn_probability`, and
            the local `as_of_date` (20260131), `as_of_year`, `as_of_month`, `as_of_day_of_week` and `as_of_hour`.
        channels: Where it applies; empty for all.
        products: Offers of these families; empty for all.
        offers: These offers; empty for all.
        tags: Offers with one of these tags; empty for all.
        except_tags: Not to offers with one of these tags.
    """

    name: str
    kind: RuleKind
    require: str
    description: str = ""
    channels: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    except_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLimit(Spec):
    """At most so many contacts, or answers of a kind, within the last days; the candidate rests when it is reached.

    Attributes:
        name: As rejections and reports tell it.
        at_most: Contacts or answers; 0 stops every candidate it applies to.
        days: Whole local days before that of the decision, and the day itself up to the moment.
        per: What is counted together: contacts in the candidate's channel, of its family, of its very offer, or all.
        of: What is counted: contacts presented, or their answers (suppress after N declines for M days).
        channels: Where the limit applies, and where contacts count for it; empty for all.
        except_tags: Not to offers with one of these tags.
    """

    name: str
    per: Literal["channel", "product", "offer", "customer"]
    at_most: int
    days: int
    of: Literal["presented", "clicked", "accepted", "declined"] = "presented"
    channels: tuple[str, ...] = ()
    except_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(Spec):
    """A factor on the priority of candidates; a context weight also has a condition.

    Attributes:
        name: As a decision's record tells it.
        when: SQL condition as in rules; None for always. NULL counts as not.
        factor: At least 0.
        channels: Where it applies; empty for all.
        products: Offers of these families; empty for all.
        offers: These offers; empty for all.
        tags: Offers with one of these tags; empty for all.
        except_tags: Not to offers with one of these tags.
    """

    name: str
    factor: float
    when: str | None = None
    channels: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    except_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration(Spec):
    """How often something else than the best is tried, so that one can learn from it.

    Attributes:
        epsilon: Probability of drawing uniformly from the best `top`.
        top: How many of the best are drawn from.
        floor: Least probability of every candidate that passed all rules, whatever its rank.
    """

    epsilon: float = 0.05
    top: int = 3
    floor: float = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Spec):
    """Everything that stands between a score and an offer.

    Attributes:
        consent: Channel -> SQL condition over features; a channel not listed needs none.
        rules: What must hold of a candidate.
        contact_limits: How often a customer may be contacted.
        context: Weights of the situation.
        levers: Weights that people set, with a name that says why.
        exploration: How often something else than the best is tried.
        offers_per_channel: How many ranked offers an answer holds.
        minimum_priority: Below it nothing is better than this offer.
        holdout_share: Share of customers who get no offers at all, by salted hash, to measure against.
        holdout_salt: Another one draws another holdout.
    """

    consent: dict[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    contact_limits: tuple[ContactLimit, ...] = ()
    context: tuple[Weight, ...] = ()
    levers: tuple[Weight, ...] = ()
    exploration: Exploration = field(default_factory=Exploration)
    offers_per_channel: int = 3
    minimum_priority: float = 0.0
    holdout_share: float = 0.0
    holdout_salt: str = "holdout"
