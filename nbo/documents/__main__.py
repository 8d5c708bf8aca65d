"""Write the references in docs/: `python -m nbo.documents`."""

from __future__ import annotations

from config.files import COMMON_FEATURES
from nbo.documents.references import references

DOCUMENTS = COMMON_FEATURES.parent.parent / "docs"
"""Of this repository, whatever folder the command is called in."""


def main() -> None:
    """Write every page that a class, a definition or the command line tells all of."""
    for name, page in references().items():
        (DOCUMENTS / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
