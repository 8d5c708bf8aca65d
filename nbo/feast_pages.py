"""Server of Feast's pages for a bank's feature store: `python -m nbo.feast_pages FOLDER PORT`."""

from __future__ import annotations

import os
import sys

from config.settings import Settings
from nbo.environment import prepare


def main() -> None:
    """Serve the pages until the process is ended."""
    prepare(os.environ, Settings.from_environment(os.environ))
    from wiring.components import components_of  # noqa: PLC0415 - libraries read the environment when they are imported

    components_of(sys.argv[1]).repository.store.serve_ui(host="127.0.0.1", port=int(sys.argv[2]))


if __name__ == "__main__":
    main()
