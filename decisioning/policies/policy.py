"""A bank's policy, as declared in its folder: rules, limits, weights, levers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from decisioning.policies.trial import Trial
from domain.offer import Offer
from domain.spec import Spec

RuleKind = Literal["consent", "eligibility", "applicability", "suitability", "service_first", "contact_limit"]
RULE_ORDER: Final[tuple[RuleKind, ...]] = get_args(RuleKind)
"""The order in which kinds are checked, as they are listed; the first rule that fails names the rejection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Spec):
    """A condition that a candidate must satisfy; NULL and errors fail it.

    Attributes:
        name: Name in rejections and reports.
        kind: Kinds are checked in the order consent, eligibility, applicability, suitability, service_first,
            contact_limit; the first rule that fails names the rejection.
        description: Why the rule exists.
        require: SQL condition over features, `offer_*` attributes (`offer_cost`, `offer_rate_percent`), `channel`,
            and `family_*`: the feature of that name for the offer's own product (`family_held` is `savings_held`
            for a savings offer); also `offer`, `offer_product`, `contact_cost`, `contact_hour`,
            `churn_probability`, `request_*` as declared in events.yaml, and the local `as_of_date` (20260131),
            `as_of_year`, `as_of_month`, `as_of_day_of_week` (Monday is 1) and `as_of_hour`.
        channels: Channels where it applies; empty for all.
        products: Applies to offers of these product families; empty for all.
        offers: Applies to these offers; empty for all.
        tags: Applies to offers with one of these tags; empty for all.
        except_tags: Does not apply to offers with one of these tags.
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
    """A maximum of contacts, or of responses of one kind, within the last days; at the limit the candidate rests.

    `{name: no_card_after_loan, per: customer, after_offers: [loan], offers: [card], at_most: 1, days: 30}` says that
    a card never follows a loan within 30 days: after one contact about the loan, the card rests.

    Attributes:
        name: Name in rejections and reports.
        at_most: Number of contacts or responses at which the candidate rests. 0 stops every candidate it applies to.
        days: Number of whole local days before the day of the decision; that day counts too, up to the decision time.
        per: What is counted together: contacts in the candidate's channel, for its product family, for the same offer,
            or all.
        of: What is counted: contacts presented, or their responses (suppress after N declines for M days).
        after_offers: Counts contacts of these offers, whatever the candidate; needs `per: customer`.
        channels: Channels where the limit applies and where contacts count; empty for all.
        products: Applies to offers of these product families; empty for all.
        offers: Applies to these offers; empty for all.
        tags: Applies to offers with one of these tags; empty for all.
        except_tags: Does not apply to offers with one of these tags.
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
class Feed(Spec):
    """Events without whose news some offers are not made: who disclosed a hardship yesterday must not get credit today.

    Attributes:
        name: Name in messages.
        types: Event types that the feed delivers.
        stale_after_hours: Hours after the feed's latest news from which on its offers are paused, until there are news.
        products: Stops offers of these product families; empty for all.
        offers: Stops these offers; empty for all.
        tags: Stops offers with one of these tags; empty for all.
    """

    name: str
    types: tuple[str, ...]
    stale_after_hours: float
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def covers(self, offer: Offer) -> bool:
        """Return whether an offer is paused while the feed is stale."""
        return (
            (not self.products or offer.product in self.products)
            and (not self.offers or offer.name in self.offers)
            and (not self.tags or bool(set(self.tags) & set(offer.tags)))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours(Spec):
    """Hours in which nobody is contacted, on the bank's clock or, by `recipient_time_zone`, the customer's.

    Attributes:
        name: Name in rejections and reports.
        channels: Channels where it applies; at least one.
        from_hour: First quiet hour, 0 to 23.
        until_hour: First hour that is no longer quiet, up to 24; if before `from_hour`, the quiet hours span midnight.
        days_of_week: Monday is 1, Sunday 7; empty for all. Each hour counts by its own day, also past midnight.
        except_tags: Does not apply to offers with one of these tags.
    """

    name: str
    channels: tuple[str, ...]
    from_hour: int
    until_hour: int
    days_of_week: tuple[int, ...] = ()
    except_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(Spec):
    """A factor on the priority of candidates, optionally with a condition.

    Attributes:
        name: Name in decision records.
        when: SQL condition as in rules; None for always. The factor does not apply where it is NULL.
        factor: At least 0.
        channels: Channels where it applies; empty for all.
        products: Applies to offers of these product families; empty for all.
        offers: Applies to these offers; empty for all.
        tags: Applies to offers with one of these tags; empty for all.
        except_tags: Does not apply to offers with one of these tags.
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
    """How often something other than the best candidate is tried, to learn from it.

    Attributes:
        epsilon: Probability of drawing uniformly from the best `top`.
        top: How many of the best are drawn from.
        floor: Minimum probability of every candidate that passed all rules, whatever its rank.
    """

    epsilon: float = 0.05
    top: int = 3
    floor: float = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Control(Spec):
    """Control arms: customers set apart by salted hash, to measure what each layer is worth.

    The shares are of all customers, disjoint, and add up to at most 1. Every arm keeps consent, eligibility,
    suitability, contact limits and budgets: experiments never touch what protects people. The holdout and the arms are
    drawn again from time to time, so that nobody goes without for ever; the first 4 weeks after that count for
    neither group.

    Attributes:
        salt: A different salt draws different customers.
        household: Attribute that customers of one household share: they are in the same arm. A customer of whom it is
            unknown is a household alone. None: arms are drawn by customer.
        holdout_share: Customers who get no commercial offers. What is `mandatory` or `transactional`, and what has the
            tag `service`, is never withheld.
        holdout_months: Months after which the holdout is drawn again, from January on; 0 for never.
        arms_months: Months after which the other arms are drawn again, from January on; 0 for never.
        withheld: Offer that helps customers -> reason why the holdout goes without it all the same.
        random_offer_share: Customers who get a random one of the allowed offers.
        propensity_only_share: Customers whose offers are ranked by propensity alone.
        no_levers_share: Customers whose offers are ranked without the levers that people set.
        eligibility_only_share: Customers who get a random commercial offer, chosen without the applicability rules.
        random_propensity_share: Customers whose offers are ranked with random propensities instead of the model's.
    """

    salt: str = "control"
    household: str | None = None
    holdout_share: float = 0.0
    holdout_months: int = 12
    arms_months: int = 3
    withheld: dict[str, str] = field(default_factory=dict)
    random_offer_share: float = 0.0
    propensity_only_share: float = 0.0
    no_levers_share: float = 0.0
    eligibility_only_share: float = 0.0
    random_propensity_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors(Spec):
    """Which factors enter the priority; one that is left out counts as 1, costs as 0.

    Attributes:
        propensity: Probability of acceptance.
        value: Value of an acceptance.
        context: Weights of the situation.
        levers: Weights that people set.
        costs: Costs of offer and contact.
        prices: Dual prices of budgets.
    """

    propensity: bool = True
    value: bool = True
    context: bool = True
    levers: bool = True
    costs: bool = True
    prices: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Spec):
    """Everything between a score and an offer: rules, limits, weights, levers and arms.

    Attributes:
        consent: Channel -> SQL condition over features. A channel that is not listed needs no consent; one under
            `outbound` must be listed here or in `without_consent`.
        without_consent: Outbound channel -> why it needs no consent, in words.
        personalised: SQL condition over features: customers whose offers may be personalised. For others the allowed
            offers appear in the order of the catalogue, and no score, value or weight is used.
        rules: Conditions that candidates must satisfy.
        contact_limits: How often a customer may be contacted.
        quiet_hours: When nobody is contacted.
        recipient_time_zone: Attribute with the customer's time zone, a category whose values are IANA names such as
            Europe/Amsterdam. Quiet hours and the hours under `outbound` are then those of the customer's clock. Where
            it is unknown or another value, a contact goes out only when no quiet hours apply in any of these time
            zones and the bank's. None: the bank's clock counts for everybody.
        feeds: Feeds without whose news some offers are not made.
        outbound: Channel -> local hour at which contacts decided in a batch run are sent; 0 for at once. In a channel
            that is not listed, the customer comes to the bank.
        factors: Which factors enter the priority.
        context: Weights of the situation.
        levers: Weights that people set, with a name that says why.
        exploration: How often something other than the best candidate is tried.
        control: Control arms to measure against.
        trials: Randomised comparisons of ways of deciding.
        offers_per_channel: Maximum number of ranked offers in an answer.
        distinct_products: Whether the ranked offers of an answer must be of different product families, the best of
            each.
        minimum_priority: Commercial offers with a lower priority are rejected: no offer is better.
        cold_start: Feature -> value assumed for customers about whom nothing is known at all; they are then scored
            by the acceptance rates of offers at that stage instead of a model. What consent conditions or
            `personalised` read is never assumed. None: they are treated as customers without a history, whose stage
            is NULL.
    """

    consent: dict[str, str] = field(default_factory=dict)
    without_consent: dict[str, str] = field(default_factory=dict)
    personalised: str | None = None
    rules: tuple[Rule, ...] = ()
    contact_limits: tuple[ContactLimit, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    recipient_time_zone: str | None = None
    feeds: tuple[Feed, ...] = ()
    outbound: dict[str, int] = field(default_factory=dict)
    factors: Factors = field(default_factory=Factors)
    context: tuple[Weight, ...] = ()
    levers: tuple[Weight, ...] = ()
    exploration: Exploration = field(default_factory=Exploration)
    control: Control = field(default_factory=Control)
    trials: tuple[Trial, ...] = ()
    offers_per_channel: int = 3
    distinct_products: bool = False
    minimum_priority: float = 0.0
    cold_start: dict[str, bool | float | str] | None = None
