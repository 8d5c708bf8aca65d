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
            for an offer of savings); beside them `offer`, `offer_product`, `contact_cost`, `contact_hour`,
            `churn_probability`, `request_*` as declared in events.yaml, and the local `as_of_date` (20260131),
            `as_of_year`, `as_of_month`, `as_of_day_of_week` (Monday is 1) and `as_of_hour`.
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

    `{name: no_card_after_loan, per: customer, after_offers: [loan], offers: [card], at_most: 1, days: 30}` says that
    a card never follows a loan within 30 days: with one contact about the loan the card rests.

    Attributes:
        name: As rejections and reports tell it.
        at_most: Contacts or answers; with so many the candidate rests. 0 stops every candidate it applies to.
        days: Whole local days before that of the decision, and the day itself up to the moment.
        per: What is counted together: contacts in the candidate's channel, of its family, of its very offer, or all.
        of: What is counted: contacts presented, or their answers (suppress after N declines for M days).
        after_offers: Counts contacts of these offers, whatever the candidate; needs `per: customer`.
        channels: Where the limit applies, and where contacts count for it; empty for all.
        products: Applies to offers of these families; empty for all.
        offers: Applies to these offers; empty for all.
        tags: Applies to offers with one of these tags; empty for all.
        except_tags: Not to offers with one of these tags.
    """

    name: str
    per: Literal["channel", "product", "offer", "customer"]
    at_most: int
    days: int
    of: Literal["presented", "clicked", "accepted", "declined"] = "presented"
    after_offers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    except_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours(Spec):
    """Hours of the bank's time zone in which nobody is contacted.

    Attributes:
        name: As rejections and reports tell it.
        channels: Where; at least one.
        from_hour: First quiet hour, 0 to 23.
        until_hour: First hour that is not quiet any more, to 24; before `from_hour` the quiet goes on over midnight.
        days_of_week: Monday is 1, Sunday 7; empty for all. A quiet over midnight belongs to the day of each hour.
        except_tags: Not for offers with one of these tags.
    """

    name: str
    channels: tuple[str, ...]
    from_hour: int
    until_hour: int
    days_of_week: tuple[int, ...] = ()
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
class Control(Spec):
    """Customers set apart, by salted hash and so always the same ones, to measure what each layer is worth.

    The shares are of all customers, disjoint, and add up to at most 1. Every arm keeps consent, eligibility,
    suitability, contact limits and budgets: people are not experimented with in what protects them.

    Attributes:
        salt: Another one draws other customers.
        holdout_share: No offers at all, but those of the class `mandatory`.
        random_offer_share: A random one of the allowed offers.
        propensity_only_share: Ranked by propensity alone.
        no_levers_share: Ranked without the levers that people set.
        eligibility_only_share: A random one of the commercial offers allowed without the rules of applicability.
        random_propensity_share: Ranked with random propensities in place of the model's.
    """

    salt: str = "control"
    holdout_share: float = 0.0
    random_offer_share: float = 0.0
    propensity_only_share: float = 0.0
    no_levers_share: float = 0.0
    eligibility_only_share: float = 0.0
    random_propensity_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors(Spec):
    """Which numbers take part in the priority; one that does not counts as 1, costs as 0.

    Attributes:
        propensity: Of acceptance.
        value: Of an acceptance.
        context: Weights of the situation.
        levers: Weights that people set.
        costs: Of offer and contact.
        prices: Of budgets and capacities.
    """

    propensity: bool = True
    value: bool = True
    context: bool = True
    levers: bool = True
    costs: bool = True
    prices: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Spec):
    """Everything that stands between a score and an offer.

    Attributes:
        consent: Channel -> SQL condition over features. A channel that is not listed needs none; one under `outbound`
            has to be listed here or in `without_consent`.
        without_consent: Outbound channel -> why it needs no consent, in words.
        personalised: SQL condition over features: whose offers may be chosen from what is known of them. For others
            the allowed offers stand in the order of the catalogue, and no score, value or weight is looked at.
        rules: What must hold of a candidate.
        contact_limits: How often a customer may be contacted.
        quiet_hours: When nobody is contacted.
        outbound: Channel -> local hour at which contacts that were decided overnight go out. In a channel that is not
            listed the customer is met when they come.
        factors: Which numbers take part in the priority.
        context: Weights of the situation.
        levers: Weights that people set, with a name that says why.
        exploration: How often something else than the best is tried.
        control: Customers set apart to measure against.
        offers_per_channel: How many ranked offers an answer holds.
        distinct_products: The ranked offers of an answer are of different families, the best of each.
        minimum_priority: Below it nothing is better than this offer.
        cold_start: Feature -> value that is assumed of customers of whom nothing is known at all; they are then scored
            by how offers are usually received at that stage, in place of a model of what they did. What a condition
            about consent or `personalised` reads is never assumed. None: they are decided for as customers without a
            history, whose stage is NULL.
    """

    consent: dict[str, str] = field(default_factory=dict)
    without_consent: dict[str, str] = field(default_factory=dict)
    personalised: str | None = None
    rules: tuple[Rule, ...] = ()
    contact_limits: tuple[ContactLimit, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    outbound: dict[str, int] = field(default_factory=dict)
    factors: Factors = field(default_factory=Factors)
    context: tuple[Weight, ...] = ()
    levers: tuple[Weight, ...] = ()
    exploration: Exploration = field(default_factory=Exploration)
    control: Control = field(default_factory=Control)
    offers_per_channel: int = 3
    distinct_products: bool = False
    minimum_priority: float = 0.0
    cold_start: dict[str, bool | float | str] | None = None
