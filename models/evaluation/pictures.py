"""Plots of a model's quality and feature importance as PNG; the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from expressions.types import Array
from models.evaluation.calibration import Reliability
from models.evaluation.evaluation import Evaluation
from models.evaluation.metrics import METRICS
from models.held_out import MODEL


def mean_absolute_shap(shap_values: Array, names: Sequence[str]) -> dict[str, float]:
    """Return each feature's mean absolute SHAP value, in log odds, largest first.

    Args:
        shap_values: Shape (n, features), without the column of the expected value.
        names: Names of the features.

    Example:
        >>> mean_absolute_shap(np.array([[0.1, -2.0], [-0.3, 1.0]]), ["age", "region"])
        {'region': 1.5, 'age': 0.2}
    """
    means = dict(zip(names, np.abs(shap_values).mean(axis=0).tolist(), strict=True))
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))


# Okabe & Ito's palette, distinguishable for colour-blind readers; styles and markers repeat what colours show
_MODEL_COLOUR = "#0072B2"
_BASELINE_STYLES = (("#D55E00", "--", "s"), ("#009E73", "-.", "^"), ("#CC79A7", ":", "D"), ("#56B4E9", "--", "v"))
_INK = "#333333"
_GRID = "#DDDDDD"


def draw_reliability(reliability: Reliability, title: str) -> bytes:
    """Plot predicted against observed frequencies, with Wilson intervals, zoomed to the range of probabilities."""
    figure, axes = _figure(5.6, 5.2, title, "Predicted probability", "Observed share")
    most = min(1.0, 1.08 * float(max(reliability.said.max(), reliability.seen_high.max(), 1e-6)))
    axes.plot([0, most], [0, most], color=_INK, linewidth=1, linestyle=(0, (4, 3)), label="calibrated")
    axes.errorbar(
        reliability.said,
        reliability.seen,
        yerr=np.maximum(0.0, [reliability.seen - reliability.seen_low, reliability.seen_high - reliability.seen]),
        color=_MODEL_COLOUR,
        marker="o",
        markersize=5,
        linewidth=1.6,
        capsize=3,
        label=f"model, {len(reliability.rows)} bins of about {int(np.median(reliability.rows)):,} rows, 95 %",
    )
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    _percent(axes, "both")
    return _png(figure)


def draw_gain(gains: Mapping[str, tuple[Array, Array]], prevalence: float, title: str) -> bytes:
    """Plot the share of positives found by share contacted, for the model, baselines, chance and the best possible."""
    figure, axes = _figure(6.4, 5.2, title, "Share contacted, best first", "Share of positives found")
    axes.fill_between([0, max(prevalence, 1e-9), 1], [0, 1, 1], [0, prevalence, 1], color="#F3F3F3", linewidth=0)
    axes.plot([0, max(prevalence, 1e-9), 1], [0, 1, 1], color="#999999", linewidth=1, label="best possible")
    axes.plot([0, 1], [0, 1], color=_INK, linewidth=1, linestyle=(0, (4, 3)), label="chance")
    for name, (colour, line, _) in _styles(gains).items():
        contacted, found = gains[name]
        width = 2.4 if name == MODEL else 1.5
        axes.plot(contacted, found, color=colour, linestyle=line, linewidth=width, label=_words(name))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    _percent(axes, "both")
    return _png(figure)


def draw_importance(shap_values: Array, names: Sequence[str], title: str, most: int = 20) -> bytes:
    """Plot the features that move the prediction most, by mean absolute SHAP value in log odds.

    Args:
        shap_values: Shape (n, features), without the column of the expected value.
        names: Names of the features.
        title: Title of the plot.
        most: Number of features shown; the others are summed up in one bar.
    """
    importance = list(mean_absolute_shap(shap_values, names).items())
    shown, rest = importance[:most], importance[most:]
    labels = [name for name, _ in shown]
    lengths = [value for _, value in shown]
    if rest:
        labels.append(f"{len(rest)} others together")
        lengths.append(sum(value for _, value in rest))
    figure, axes = _figure(7.6, 1.4 + 0.27 * len(labels), title, "Mean absolute SHAP value, log odds", "")
    colours = [_MODEL_COLOUR] * len(shown) + ["#BBBBBB"] * (len(labels) - len(shown))
    places = np.arange(len(labels))
    axes.barh(places, lengths, color=colours, height=0.72)
    axes.set_yticks(places, labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return _png(figure, legend=False)


def draw_over_time(evaluation: Evaluation, metric: str, title: str) -> bytes:
    """Plot a metric on every test fold, in time order, with the model's interval."""
    figure, axes = _figure(6.4, 4.4, title, "Test fold, from its first moment", METRICS[metric].title)
    places = np.arange(len(evaluation.folds))
    for name, (colour, line, marker) in _styles(evaluation.scores).items():
        estimates = [fold.scores[name][metric] for fold in evaluation.folds]
        values = np.array([estimate.value for estimate in estimates])
        if name == MODEL:
            distances = np.array([[e.value - e.low for e in estimates], [e.high - e.value for e in estimates]])
            error = np.nan_to_num(np.maximum(distances, 0.0))
            axes.errorbar(
                places, values, yerr=error, color=colour, marker=marker, capsize=4, linewidth=2.2, label=_words(name)
            )
        else:
            axes.plot(places, values, color=colour, linestyle=line, marker=marker, linewidth=1.4, label=_words(name))
    axes.set_xticks(
        places, [f"{fold.first:%Y-%m-%d}\n{fold.positives:,} of {fold.rows:,}" for fold in evaluation.folds]
    )
    axes.margins(x=0.15, y=0.2)
    return _png(figure)


def draw_all(evaluation: Evaluation, importance: tuple[Array, Sequence[str]] | None, title: str) -> dict[str, bytes]:
    """Draw all plots of a model.

    Args:
        evaluation: Evaluation to plot.
        importance: SHAP values, shape (n, features), and the features' names.
        title: Bank and model.

    Returns:
        File name -> PNG.
    """
    pictures = {
        "reliability.png": draw_reliability(evaluation.reliability, f"{title}: reliability"),
        "gain.png": draw_gain(evaluation.gains, evaluation.positives / evaluation.rows, f"{title}: gain"),
        "auc_over_time.png": draw_over_time(evaluation, "auc", f"{title}: AUC over time"),
        "brier_skill_over_time.png": draw_over_time(evaluation, "brier_skill", f"{title}: Brier skill over time"),
    }
    if importance is not None:
        pictures["importance.png"] = draw_importance(*importance, title=f"{title}: what moves the prediction")
    return pictures


def _figure(width: float, height: float, title: str, horizontal: str, vertical: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=12, color=_INK, fontweight="bold")
    axes.set_xlabel(horizontal, color=_INK)
    axes.set_ylabel(vertical, color=_INK)
    axes.set_axisbelow(True)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.tick_params(colors=_INK, labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _styles(scores: Mapping[str, object]) -> dict[str, tuple[str, str, str]]:
    baselines = [name for name in scores if name != MODEL]
    styles = {name: _BASELINE_STYLES[position % len(_BASELINE_STYLES)] for position, name in enumerate(baselines)}
    return {**styles, MODEL: (_MODEL_COLOUR, "-", "o")}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(axes: Axes, axis: str) -> None:
    for name in ("x", "y") if axis == "both" else (axis,):
        getattr(axes, f"{name}axis").set_major_formatter(lambda value, _: f"{100 * value:.3g} %")


def _png(figure: Figure, *, legend: bool = True) -> bytes:
    if legend:  # below the axes, where it hides nothing
        figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
