"""Findings about the simulated bank's propensity model, by comparison with the known truth."""

from __future__ import annotations

import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.held_out import MODEL
from models.tracking.run_tables import RunTables
from nbo.documents.claims import claim
from pipelines.reporting import last_outcomes
from simulation.odds import ranking_quality
from wiring.components import Components


def demo_findings(components: Components) -> list[str]:
    """Compare the propensity model with the true probabilities, which no model ever sees.

    Raises:
        StateError: There is no finished run, or one of the sentences does not hold for it.
    """
    run = last_outcomes(components)["models"]["propensity"]
    tables = RunTables.of(components.models.store, run["run_id"])
    facts = components.models.store.client.get_run(run["run_id"]).data.params
    truth = pq.read_table(components.sources / "truth" / "presentations.parquet")
    at = pc.cast(pc.strftime(truth["at"], "%Y-%m-%dT%H:%M"), "string")
    tested = truth.filter(
        pc.and_(pc.greater_equal(at, facts["test_first"][:16]), pc.less_equal(at, facts["test_last"][:16]))
    )
    best = ranking_quality(tested["acceptance_probability"].to_numpy(), tested["accepted"].to_numpy())
    auc, low, high = tables.estimate(MODEL, "auc")
    simple = tables.estimate("per_offer_logistic", "auc")[0]
    share = (auc - simple) / (best - simple)
    return [
        claim(
            f"The bank is simulated, so the truth is known: ranking the {tested.num_rows:,} offers presented in the "
            f"test period by their true probabilities of acceptance would give an AUC of {best:.3f}. No model can be "
            f"expected to do better, because each acceptance is a random draw. The propensity model has {auc:.3f} "
            f"({low:.3f} to {high:.3f}) and the best baseline, a logistic regression per offer, {simple:.3f}: the "
            f"model closes {share:.0%} of the gap between the baseline and the truth. The rest is needs and moods that "
            "leave few traces in the log.",
            holds=simple < low and high < best and tested.num_rows >= run["rows"],
        )
    ]
