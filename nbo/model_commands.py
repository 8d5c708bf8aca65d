"""Commands for models: features for training, training runs, searches for better parameters, and what they gave."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import DataError
from nbo.app import AsOf, app, components_of_bank, components_with_flows, moment_of
from nbo.display import show_table
from nbo.outcomes import show_models

command = partial(app.command, rich_help_panel="Models")


@command()
def training_set(
    context: typer.Context,
    to: Annotated[Path, typer.Option(help="New folder for the features as Parquet; with --model a Parquet file.")],
    moments: Annotated[Path | None, typer.Option(help="Parquet, CSV or JSON lines with customer_id and as_of.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="churn or propensity: features with its label; without --moments at its own moments."),
    ] = None,
) -> None:
    """Compute the features of any customers at any moments, as they were known then, with a label if you name a model.

    Examples:
        nbo --bank banks/demo training-set --moments moments.csv --to my_training_set

        nbo --bank banks/demo training-set --model propensity --to propensity.parquet
    """
    parts = components_of_bank(context)
    if model is not None:
        from nbo.training_files import write_labelled

        result = write_labelled(parts, model, moments, to)
    elif moments is None:
        raise DataError("neither moments nor a model", expected="--moments FILE, --model churn, or both")
    else:
        from pipelines.training_sets import write_training_set

        result = write_training_set(parts, moments, to)
    show_table("training set", ("what", "value"), list(result.items()))


@command()
def train(
    context: typer.Context,
    as_of: AsOf = None,
    experiment: Annotated[
        str | None, typer.Option("--as", help="Name of an experiment, whose models are judged and never put in charge.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="With --as: a setting of models.yaml that differs; may be repeated."),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="With --as: folder whose models.yaml has the settings that differ; --set comes after it."),
    ] = None,
) -> None:
    """Train, evaluate and register the churn and propensity models; a better challenger becomes champion.

    Examples:
        nbo --bank banks/demo train

        nbo --bank banks/demo train --as bigger_trees --set models.propensity.num_leaves=31
    """
    from config.experiments import overlay_changes
    from nbo.experiments import expect_experiment

    changes = [*(overlay_changes(overlay) if overlay else ()), *(changes or ())]
    expect_experiment(components_of_bank(context), experiment, changes)
    parts = components_with_flows(context)
    from pipelines.training import train_models

    show_models(train_models(str(parts.folder), moment_of(parts, as_of), experiment, changes))


@command()
def tune(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="churn or propensity.")],
    experiment: Annotated[
        str, typer.Option("--as", help="Name of the experiment that is trained with what was found.")
    ] = "tuned",
    minutes: Annotated[float, typer.Option(min=0.01, help="Time budget of the search.")] = 10.0,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Most trials; by default as many as the time allows.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed tries the same parameters.")] = 7,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of models.yaml that the search takes as given; may be repeated."),
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Search for better parameters of a model (Optuna), and train what was found as an experiment.

    It is trained only if its log loss on other customers is better by more than noise, and never put in charge.

    Examples:
        nbo --bank banks/demo tune propensity --minutes 10

        nbo --bank banks/demo tune churn --as slow --trials 20 --set models.churn.learning_rate=0.02
    """
    from nbo.experiments import expect_experiment, expect_model
    from nbo.outcomes import show_search

    expect_model(model)
    expect_experiment(components_of_bank(context), experiment, changes or ())
    parts = components_with_flows(context)
    from models.tuning import SearchBudget
    from pipelines.training import train_models
    from pipelines.tuning import tune as search

    tuned = search(
        parts,
        model,
        parts.moment(moment_of(parts, as_of)),
        name=experiment,
        changes=changes or (),
        budget=SearchBudget(seconds=60.0 * minutes, trials=trials, seed=seed),
    )
    show_search(tuned)
    if tuned.found.is_better:
        show_models(train_models(str(parts.folder), moment_of(parts, as_of), experiment, tuned.changes))


@command()
def experiments(
    context: typer.Context,
    sort: Annotated[str, typer.Option(help="Column to sort by, largest first.")] = "started",
    model: Annotated[str | None, typer.Option(help="churn or propensity.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the whole table to this file instead.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Compare two runs row by row: names, ids, or champion and challenger."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="With --compare: write a picture to this SVG file.")] = None,
) -> None:
    """List training runs: what differs from the champion, who is in charge, why a gate refused.

    Examples:
        nbo --bank banks/demo experiments --model churn --sort auc

        nbo --bank banks/demo experiments --model propensity --compare champion bigger_trees
    """
    parts = components_of_bank(context)
    if compare is not None:
        from nbo.compared_runs import show_comparison

        show_comparison(parts, model, compare, picture)
        return
    from nbo.experiments import show_experiments

    show_experiments(parts, sort, model, csv)
