"""Write the reference pages of docs/ that are generated from the program: `python -m nbo.documents`."""

from __future__ import annotations

from config.files import COMMON_FEATURES
from config.reading import load_bank
from features.reference import features_reference
from nbo.commands import app
from nbo.documents.commands import commands_reference
from nbo.documents.configuration import configuration_reference
from nbo.documents.http_api import http_api_reference
from serving.api.app import create_app
from serving.service.service import Service


def references() -> dict[str, str]:
    """Generate the pages: file name below docs/ -> text.

    Example:
        >>> list(references())
        ['features.md', 'configuration.md', 'commands.md', 'http_api.md']
    """
    demo = load_bank(COMMON_FEATURES.parent.parent / "banks" / "demo")
    return {
        "features.md": features_reference(demo.features, demo.identity.name),
        "configuration.md": configuration_reference(),
        "commands.md": commands_reference(app),
        "http_api.md": http_api_reference(create_app(_no_service).openapi()),
    }


def _no_service() -> Service:
    raise AssertionError("the application is described, not started")


DOCUMENTS = COMMON_FEATURES.parent.parent / "docs"
"""The docs folder of this repository, independent of the working folder."""


def main() -> None:
    """Write all reference pages."""
    for name, page in references().items():
        (DOCUMENTS / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
