"""Budgets, as declared in a bank's folder: money, call slots, stock, reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.spec import Spec

Period = Literal["day", "week", "month", "campaign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Spec):
    """An amount that contacts or acceptances use up.

    Attributes:
        name: Name in prices, rejections and reports.
        description: What the budget is for.
        unit: Unit of the amount: `EUR`, `calls`, `cards`.
        amount: Amount available in each period, at least 0.
        period: How often the budget is replenished, in the bank's time zone; `campaign` for never.
        charged_on: `contact`: every offer made uses the budget. `acceptance`: every acceptance does, and an offer made
            reserves its expected part, propensity x charge.
        charge: SQL formula with the names that rules may use: the charge of one contact or acceptance, at least 0.
        valid_from: First day on which the budget counts, in the bank's time zone; before it, nothing is limited.
        valid_until: Last day on which the budget counts; after it, nothing is left.
        channels: Channels whose candidates use the budget; empty for all.
        products: Product families whose offers use it; empty for all.
        offers: Offers that use it; empty for all.
        tags: Only offers with one of these tags use it; empty for all.
        except_tags: Offers with one of these tags do not use it.
    """

    name: str
    amount: float
    unit: str
    description: str = ""
    period: Period = "month"
    charged_on: Literal["contact", "acceptance"] = "contact"
    charge: str = "1"
    valid_from: date | None = None
    valid_until: date | None = None
    channels: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    except_tags: tuple[str, ...] = ()
