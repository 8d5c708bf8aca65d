"""What is scarce: money, call slots, stock, reach, as a bank's folder says it."""

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
        name: As prices, rejections and reports tell it.
        description: What it is for.
        unit: Of the amount: `EUR`, `calls`, `cards`.
        amount: How much there is in each period, at least 0.
        period: When it is full again, in the bank's time zone; `campaign` for never.
        charged_on: `contact`: every offer made uses it. `acceptance`: every acceptance does; an offer made reserves
            its expected part, propensity x charge.
        charge: SQL formula over what rules may name: how much one contact or acceptance uses, at least 0.
        valid_from: First day on which it counts, in the bank's time zone; before it the candidates are not bound.
        valid_until: Last day on which it counts; after it there is nothing left of it.
        channels: Which candidates use it; empty for all.
        products: Offers of these families; empty for all.
        offers: These offers; empty for all.
        tags: Offers with one of these tags; empty for all.
        except_tags: Not offers with one of these tags.
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
