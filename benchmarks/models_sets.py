"""Tables of contacts for the benchmark of models: public data sets, and synthetic ones whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from models.contact_table import ContactColumns

_NEW = 2_000
"""New customers, each with every offer, among whom learners choose."""


@dataclass(frozen=True, slots=True)
class ContactSet:
    """A table of contacts.

    Attributes:
        columns: Which column is what.
        new: Customers that are not in the table, with their moments and channels, if the truth is known.
        truth: True probability that each new customer accepts each offer, shape (m, offers).
        values: Value of each offer, shape (offers,).
    """

    name: str
    frame: pd.DataFrame
    columns: ContactColumns
    new: pd.DataFrame | None = None
    truth: NDArray[np.float64] | None = None
    values: NDArray[np.float64] | None = None


def public_sets(folder: Path) -> Iterator[ContactSet]:
    """Yield the public sets that are in a folder; what is not there is left out."""
    for name, file, read in _PUBLIC:
        if (folder / file).exists():
            frame, columns = read(folder / file)
            yield ContactSet(name, frame, columns)


def bank_marketing(file: Path) -> tuple[pd.DataFrame, ContactColumns]:
    """Read phone offers of a term deposit in order of date, without the call's duration, known only after it."""
    frame = pd.read_csv(file, sep=";").drop(columns="duration")
    frame = frame.assign(offer="term deposit", at=np.arange(len(frame)))
    return frame, ContactColumns(accepted="y", time="at", channel="contact")


def _hillstrom(file: Path) -> tuple[pd.DataFrame, ContactColumns]:
    frame = pd.read_csv(file)
    return frame, ContactColumns(offer="segment", accepted="visit", exclude=("conversion", "spend", "history_segment"))


def _bpi2012(file: Path) -> tuple[pd.DataFrame, ContactColumns]:
    """Read loan offers at the moment they are sent, with what happened to the application before."""
    events = pd.read_parquet(file).sort_values(["case_id", "time", "seq"], kind="stable")
    kinds = events["activity"].astype(str)
    before = pd.get_dummies(kinds).astype(np.float64)
    counts = before.groupby(events["case_id"]).cumsum() - before
    first = events.groupby("case_id")["time"].transform("min")
    sent = (kinds == "O_SENT").to_numpy()
    frame = counts[sent].add_prefix("count_")
    frame["hours_since_start"] = ((events["time"] - first).dt.total_seconds() / 3600.0)[sent]
    frame["weekday"] = events["time"].dt.dayofweek[sent]
    frame["hour"] = events["time"].dt.hour[sent]
    frame["amount_requested"] = events["amount_requested"][sent]
    frame["offer"], frame["at"], frame["case"] = "loan", events["time"][sent], events["case_id"][sent]
    accepted = events[kinds == "O_ACCEPTED"].groupby("case_id")["time"].max()
    last = frame.groupby("case")["at"].transform("max")
    frame["accepted"] = (frame["case"].map(accepted) >= frame["at"]).fillna(False) & (frame["at"] == last)
    return frame.reset_index(drop=True), ContactColumns(time="at", customer="case")


_PUBLIC: tuple[tuple[str, str, Callable[[Path], tuple[pd.DataFrame, ContactColumns]]], ...] = (
    ("bank marketing", "bank_marketing/bank-additional-full.csv.gz", bank_marketing),
    ("BPI 2012 acceptance", "bpi2012/bpi2012_events.parquet", _bpi2012),
    ("Hillstrom visit by arm", "hillstrom/hillstrom.csv.gz", _hillstrom),
)


def synthetic(
    name: str,
    rows: int,
    offers: int,
    *,
    features: int = 20,
    moments: int = 300,
    drift: float = 0.0,
    tails: bool = False,
) -> ContactSet:
    """Draw contacts whose acceptance depends on offer, channel, own tastes of offers, and an interaction.

    Args:
        name: Name of the set; its draws depend on it.
        rows: Number of contacts, of half as many customers.
        offers: Number of offers, of a fifth as many products.
        features: Number of features; six matter.
        moments: Number of days over which contacts are spread.
        drift: Change of the log-odds over the whole time.
        tails: Whether features have heavy tails.
    """
    random, total = np.random.default_rng(sum(name.encode())), rows + _NEW
    values = random.standard_t(2.0, (total, features)) ** 3 if tails else random.normal(size=(total, features))
    scaled = np.tanh(values / 20.0) * 3.0 if tails else values
    offer, channel = random.integers(0, offers, rows), random.integers(0, 3, total)
    day = np.append(random.integers(0, moments, rows), np.full(_NEW, moments))
    product = np.arange(offers) % max(offers // 5, 1)
    liked = random.normal(0.0, 0.5, (offers, 3))[product] + random.normal(0.0, 0.25, (offers, 3))
    level = random.normal(0.0, 0.6, offers)
    common = (
        -2.5
        + np.array([0.4, 0.0, -0.4])[channel]
        + 0.6 * scaled[:, 3]
        + 0.6 * scaled[:, 4] * (scaled[:, 5] > 0.0)
        + drift * day / moments
    )
    score = common[:rows] + level[offer] + (scaled[:rows, :3] * liked[offer]).sum(axis=1)
    frame = pd.DataFrame(values.astype(np.float32), columns=[f"feature_{place}" for place in range(features)])
    frame["channel"] = np.array(["app", "web", "email"])[channel]
    frame["at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(day, "D")
    frame["customer"] = np.append(random.integers(0, max(rows // 2, 1), rows), -np.arange(1, _NEW + 1))
    new, frame = frame[rows:].copy(), frame[:rows].copy()
    frame["offer"] = [f"offer {one}" for one in offer]
    frame["product"] = [f"product {one}" for one in product[offer]]
    frame["accepted"] = random.random(rows) < expit(score)
    columns = ContactColumns(channel="channel", product="product", customer="customer", time="at")
    truth = expit(common[rows:, None] + level + scaled[rows:, :3] @ liked.T)
    return ContactSet(name, frame, columns, new, truth, np.exp(random.normal(4.0, 0.5, offers)))


def synthetic_sets() -> Iterator[ContactSet]:
    """Yield the synthetic sets, smallest first."""
    yield synthetic("500 rows, 1 offer", 500, 1)
    yield synthetic("5,000 rows, 20 offers", 5_000, 20)
    yield synthetic("5,000 rows, one moment", 5_000, 20, moments=1)
    yield synthetic("20,000 rows, heavy tails", 20_000, 20, tails=True)
    yield synthetic("20,000 rows, drift", 20_000, 20, drift=1.5)
    yield synthetic("50,000 rows, 500 offers", 50_000, 500)
