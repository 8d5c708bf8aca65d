"""Write docs/results.md from the finished runs of both banks: `python -m nbo.documents.results`."""

from __future__ import annotations

import os

from config.files import COMMON_FEATURES
from config.settings import Settings
from nbo.environment import prepare


def main() -> None:
    """Write the page."""
    prepare(os.environ, Settings.from_environment(os.environ))
    # libraries read the environment when they are imported
    from nbo.documents.bpi2012_findings import bpi2012_findings  # noqa: PLC0415
    from nbo.documents.demo_findings import demo_findings  # noqa: PLC0415
    from nbo.documents.results_page import results_page  # noqa: PLC0415
    from wiring.parts import parts_of  # noqa: PLC0415

    root = COMMON_FEATURES.parent.parent
    demo, bpi2012 = parts_of(root / "banks" / "demo"), parts_of(root / "banks" / "bpi2012")
    page = results_page([(demo, demo_findings(demo)), (bpi2012, bpi2012_findings(bpi2012))])
    (root / "docs" / "results.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
