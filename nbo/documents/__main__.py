"""Write the generated reference pages of docs/: `python -m nbo.documents`."""

from __future__ import annotations

from config.files import COMMON_FEATURES
from nbo.documents.references import references

DOCUMENTS = COMMON_FEATURES.parent.parent / "docs"
"""The docs folder of this repository, independent of the working folder."""


def main() -> None:
    """Write all reference pages."""
    for name, page in references().items():
        (DOCUMENTS / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
