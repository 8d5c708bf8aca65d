"""Propensity from a table of contacts, without a bank's folder: fits, judges, and returns a scorer.

The flows of a bank train through the same function, `models.propensity.training.train_propensity`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from domain.errors import DataError, ModelError
from domain.offer import Offer, Treatment
from features.catalogue import FeatureCatalogue
from features.definitions import Feature
from features.responses import Responses
from models.contact_table import ContactColumns, ContactTable, Encoder, encoder_from_json, read_contacts
from models.evaluation.evaluation import Evaluation, evaluate
from models.evaluation.leakage import single_feature_aucs
from models.files import read_json, write_json
from models.gate import GateReport, judge_challenger
from models.labels import LEAST_OF_EACH, check_labels
from models.learners import PROPENSITY, learner_of, read_model
from models.propensity.impressions import Impressions, impressions
from models.propensity.learner import FittedPropensity, RowLearner
from models.propensity.rows import PropensityRows
from models.propensity.training import train_propensity
from models.settings import Gate, Learning, Training

_KIND: Final = "contacts"
_MODEL_FOLDER: Final = "propensity"


@dataclass(frozen=True, slots=True)
class ContactModel:
    """A propensity model of a table of contacts, returned by `fit_contacts`.

    Attributes:
        model: The fitted model.
        evaluation: Quality on held-out rows beside baselines, with intervals; None if there were too few outcomes, or
            if the model was read from files.
        gate: Checks of that quality; None like the evaluation.
        notes: What was noticed about the table and how the model was chosen and judged, in sentences.
    """

    model: FittedPropensity
    evaluation: Evaluation | None
    gate: GateReport | None
    notes: tuple[str, ...]
    _encoder: Encoder
    _offers: tuple[Offer, ...]

    def score(self, frame: pd.DataFrame) -> pd.Series:
        """Predict the probability that each contact is accepted, with the frame's index.

        Args:
            frame: Contacts with the columns of the training table, except the answer; others are ignored. An offer,
                channel or category that training did not know is scored by what is known about the rest.

        Raises:
            DataError: A column is missing or unusable.
        """
        if not len(frame):
            return pd.Series(dtype=np.float64, index=frame.index, name="probability")
        table = self._encoder.read(frame)
        offers = {offer.name: offer for offer in self._offers}
        if not set(table.offer.tolist()) <= offers.keys():
            offers = {offer.name: offer for offer in offers_of_contacts(table)} | offers
        pairs = list(dict.fromkeys(zip(table.offer.tolist(), table.channel.tolist(), strict=True)))
        places = {pair: place for place, pair in enumerate(pairs)}
        pair = np.array(
            [places[one] for one in zip(table.offer.tolist(), table.channel.tolist(), strict=True)], np.int64
        )
        known = tuple((offers[name], channel) for name, channel in pairs)
        family = self.model.families.of_rows(table.features.columns, known, pair)
        moments = table.features.as_of
        rows = Impressions(table.features, family, known, pair, np.zeros(len(pair)), moments)
        return pd.Series(self.model.predict_rows(rows), index=frame.index, name="probability")

    def score_offers(self, frame: pd.DataFrame, offers: Sequence[str] | None = None) -> pd.DataFrame:
        """Predict every row's probability to accept each offer, a column per offer.

        Args:
            frame: Customers at moments, in the channel of their row if the model knows channels; the column of offers
                is not needed.
            offers: Offers; by default all of training.
        """
        wanted = [offer.name for offer in self._offers] if offers is None else list(offers)
        column = self._encoder.columns.offer
        scores = {name: self.score(frame.assign(**{column: name})) for name in wanted}
        return pd.DataFrame(scores, index=frame.index)

    def summary(self) -> str:
        """Say in words what was fitted, how good it is, and what was noticed."""
        lines = list(self.notes)
        if self.evaluation is not None and self.gate is not None:
            lines += [
                f"{name}: {one.value:.4f} ({one.low:.4f} to {one.high:.4f})"
                for name, one in self.evaluation.model.items()
                if name in {"auc", "log_loss"}
            ]
            lines += [f"gate {'passed' if one.passed else 'FAILED'}: {one.sentence}" for one in self.gate.checks]
        return "\n".join(lines)

    def to_folder(self, folder: str | Path) -> None:
        """Write the model as text and JSON; nothing in the files can run code."""
        self.model.to_files(Path(folder) / _MODEL_FOLDER)
        offers = [
            {
                "name": one.name,
                "product": one.product,
                "attributes": one.attributes,
                "channels": [treatment.channel for treatment in one.treatments],
            }
            for one in self._offers
        ]
        write_json(Path(folder), _KIND, {"encoder": self._encoder.to_json(), "offers": offers, "notes": self.notes})

    @classmethod
    def from_folder(cls, folder: str | Path) -> ContactModel:
        """Read a model from `to_folder` output.

        Raises:
            ModelError: If files are missing or damaged.
        """
        parts: Mapping[str, Any] = read_json(Path(folder), _KIND)
        offers = tuple(
            _offer(one["name"], one["attributes"], one["product"], one["channels"]) for one in parts["offers"]
        )
        model = read_model(Path(folder) / _MODEL_FOLDER)
        return cls(model, None, None, tuple(parts["notes"]), encoder_from_json(parts["encoder"]), offers)


def fit_contacts(
    frame: pd.DataFrame,
    columns: ContactColumns | None = None,
    *,
    training: Training | None = None,
    learning: Learning | None = None,
    gate: Gate | None = None,
    rivals: Mapping[str, RowLearner] = MappingProxyType({}),
    num_threads: int = 2,
) -> ContactModel:
    """Fit a propensity model on a table of contacts, and judge it on rows it was not fitted on.

    Only the offer and the answer are needed. With times, the model is judged on later contacts than it was fitted on;
    without, or where there are too few moments, on contacts of other customers.

    Args:
        frame: One row for each contact.
        columns: Which column is what; by default `offer` and `accepted`, and every other column is a feature.
        training: Folds, embargo, rows and seed.
        learning: Learner, its parameters and constraints, such as `Learning(parameters={"num_leaves": 31})`.
        gate: Bounds of the quality, and of how well a single feature may predict the answer.
        rivals: Name -> another learner that is judged on the same folds, as one more baseline.
        num_threads: Number of LightGBM threads; the result does not depend on it.

    Raises:
        DataError: A column is missing, named twice, or unusable.
        ModelError: All answers are the same, or a feature alone tells the answer.

    Example:
        >>> random = np.random.default_rng(1)
        >>> contacts = pd.DataFrame({"offer": random.choice(["loan", "card"], 400), "age": random.normal(45, 9, 400)})
        >>> contacts["accepted"] = random.random(400) < 1 / (1 + np.exp(-(contacts["age"] - 50) / 5))
        >>> fitted = fit_contacts(contacts)
        >>> old, young = fitted.score(pd.DataFrame({"offer": ["loan", "loan"], "age": [60, 30]}))
        >>> bool(old > 0.7 > 0.3 > young)
        True
    """
    training = Training(segments=()) if training is None else training
    gate = Gate() if gate is None else gate
    learner = learner_of(PROPENSITY, Learning() if learning is None else learning).fit_propensity
    encoder, table, notes = read_contacts(frame, ContactColumns() if columns is None else columns)
    column = encoder.columns.accepted
    check_labels(table.y, "accepted", model="propensity", column=column)
    alone = {encoder.column_of(name): auc for name, auc in single_feature_aucs(table.features, table.y).items()}
    if min(table.y.sum(), len(table.y) - table.y.sum()) >= LEAST_OF_EACH:
        _refuse_leaks(alone, encoder.columns.trusted, gate.maximum_single_feature_auc)
    offers, names = offers_of_contacts(table), tuple(table.features.columns)
    catalogue, presented = catalogue_of_contacts(table, encoder), responses_of_contacts(table)
    few = f"{int(table.y.sum()):,} of {len(table.y):,} contacts were accepted"
    rows = PropensityRows.of(table.features, presented, names, offers=offers, catalogue=catalogue, training=training)
    for attempt in _attempts(training):
        try:
            trained = train_propensity(rows, attempt, learner=learner, rivals=rivals, num_threads=num_threads)
        except (DataError, ModelError):  # too few moments, or too few answers of one kind in a fold
            continue
        evaluation = evaluate(trained.held_out)
        report = judge_challenger(evaluation, alone or {"no feature": 0.5}, gate, None)
        fitted_on = "" if trained.rows == len(table.y) else f"; {trained.rows:,} of them were used"
        notes += (f"{few}{fitted_on}; evaluated on {trained.evaluated_on}", f"form: {trained.model.chosen}")
        return ContactModel(trained.model, evaluation, report, notes, encoder, offers)
    everything = impressions(table.features, presented, offers, rows.families)
    model = learner(everything, names, rows.families, training, num_threads=num_threads)
    notes += (f"{few}: too few to judge the propensity model, its quality is not known", f"form: {model.chosen}")
    return ContactModel(model, None, None, notes, encoder, offers)


def _attempts(training: Training) -> list[Training]:
    """List ways to judge: in time with fewer and fewer folds, then by customer."""
    in_time = [replace(training, folds=folds) for folds in range(training.folds, 0, -1)]
    return [*(in_time if training.evaluated_by == "time" else ()), replace(training, evaluated_by="customers")]


def _refuse_leaks(alone: Mapping[str, float], trusted: Sequence[str], maximum: float) -> None:
    for column, auc in alone.items():
        if auc > maximum and column not in trusted:
            raise ModelError(
                f"column '{column}' alone tells the answer that the propensity model should predict",
                got=f"AUC {auc:.3f}",
                expected=f"at most {maximum:g}: more is a leak, recorded after the answer",
                remedy=f"add '{column}' to `exclude`, or to `trusted` if it was known before the contact",
            )


def offers_of_contacts(table: ContactTable) -> tuple[Offer, ...]:
    """Make an offer of every name, with the product and attributes of its first row."""
    frame = pd.DataFrame({"offer": table.offer, "channel": table.channel})
    channels = frame.dropna().groupby("offer")["channel"].unique()
    first = frame.drop_duplicates("offer").index
    return tuple(
        _offer(
            str(table.offer[row]),
            {name: float(values[row]) for name, values in table.attributes.items() if np.isfinite(values[row])},
            None if table.product is None else table.product[row],
            sorted(channels.get(table.offer[row], ())),
        )
        for row in sorted(first, key=lambda row: str(table.offer[row]))
    )


def _offer(name: str, attributes: Mapping[str, float], product: str | None, channels: Sequence[str]) -> Offer:
    return Offer(
        name=name,
        description=name,
        value="1",
        treatments=tuple(Treatment(channel=channel, message=channel) for channel in channels),
        stages=(),
        product=product,
        attributes=dict(attributes),
    )


def catalogue_of_contacts(table: ContactTable, encoder: Encoder) -> FeatureCatalogue:
    """Describe the features of a table of contacts as a catalogue."""
    features = {
        name: Feature(name=name, type=kind, unit="", description=encoder.column_of(name), topic="", owner="")
        for name, kind in table.features.schema.items()
    }
    families = encoder.families
    return FeatureCatalogue(features, families.get("product", {}), {}, "", families.get("channel", {}))


def responses_of_contacts(table: ContactTable) -> Responses:
    """Return the contacts of a table with their answers."""
    moments = table.features.as_of
    nothing = np.full(len(moments), None, dtype=object)
    return Responses(
        customer_ids=table.features.customer_ids,
        presented_at=moments,
        offer=table.offer,
        channel=table.channel,
        decision_id=nothing,
        selection_probability=np.full(len(moments), np.nan),
        accepted=table.y == 1.0,
        answered_at=np.full(len(moments), np.datetime64("NaT", "us")),
        known_at=table.known_at,
        matured=np.ones(len(moments), dtype=bool),
    )
