"""Write the reference pages of docs/ that are generated from the program: `python -m nbo.documents`."""

from __future__ import annotations

from config.files import COMMON_FEATURES
from config.reading import load_bank
from features.reference import features_reference
from nbo.commands import app
from nbo.documents.commands import commands_reference
from nbo.documents.configuration import configuration_reference


def references() -> dict[str, str]:
    """Generate the pages: file name below docs/ -> text.

    Example:
        >>> list(references())
        ['features.md', 'configuration.md', 'commands.md']
    """
    demo = load_bank(COMMON_FEATURES.parent.parent / "banks" / "demo")
    return {
        "features.md": features_reference(demo.features, demo.identity.name),
        "configuration.md": configuration_reference(),
        "commands.md": commands_reference(app),
    }


DOCUMENTS = COMMON_FEATURES.parent.parent / "docs"
"""The docs folder of this repository, independent of the working folder."""


def main() -> None:
    """Write all reference pages."""
    for name, page in references().items():
        (DOCUMENTS / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
