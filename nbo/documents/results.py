"""Write docs/results.md and the README's example and plot from finished runs: `python -m nbo.documents.results`."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from config.files import COMMON_FEATURES
from config.settings import Settings
from nbo.environment import prepare

PICTURE = "gain.png"
"""Plot of the demo bank's propensity model in the README."""


def main() -> None:
    """Write the page, and the decision and the plot of the README."""
    prepare(os.environ, Settings.from_environment(os.environ))
    # libraries read the environment when they are imported
    from models.tracking.store import quiet_mlflow  # noqa: PLC0415
    from nbo.documents.bpi2012_findings import bpi2012_findings  # noqa: PLC0415
    from nbo.documents.demo_findings import demo_findings  # noqa: PLC0415
    from nbo.documents.demo_past import demo_past  # noqa: PLC0415
    from nbo.documents.results_page import results_page, with_decision  # noqa: PLC0415
    from wiring.components import components_of  # noqa: PLC0415
    from wiring.models import PICTURES  # noqa: PLC0415

    root = COMMON_FEATURES.parent.parent
    demo, bpi2012 = components_of(root / "banks" / "demo"), components_of(root / "banks" / "bpi2012")
    page = results_page([(demo, demo_findings(demo), demo_past(demo)), (bpi2012, bpi2012_findings(bpi2012), [])])
    (root / "docs" / "results.md").write_text(page, encoding="utf-8")
    readme = root / "README.md"
    readme.write_text(with_decision(readme.read_text(encoding="utf-8"), demo), encoding="utf-8")
    champion = demo.models.champion("propensity")
    assert champion is not None, "the findings describe the champion"
    with quiet_mlflow(), TemporaryDirectory() as fetched:
        drawn = Path(demo.models.store.client.download_artifacts(champion.run_id, f"{PICTURES}/{PICTURE}", fetched))
        (root / "docs" / PICTURE).write_bytes(drawn.read_bytes())


if __name__ == "__main__":
    main()
