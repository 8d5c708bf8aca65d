"""Write what is generated from the program: the reference pages, and two of the three clients."""

from __future__ import annotations

from config.files import COMMON_FEATURES
from config.reading import load_bank
from features.reference import features_reference
from nbo.commands import app
from nbo.documents.asynchronous import asynchronous_client
from nbo.documents.commands import commands_reference
from nbo.documents.configuration import configuration_reference
from nbo.documents.http_api import http_api_reference
from nbo.documents.typescript import typescript_client
from serving.api.app import openapi_document


def references() -> dict[str, str]:
    """Generate the files: path in this repository -> text.

    Example:
        >>> list(references())
        ['docs/features.md', 'docs/configuration.md', 'docs/commands.md', 'docs/http_api.md', \
'nbo_client/typescript/nbo.ts', 'nbo_client/asynchronous.py']
    """
    demo = load_bank(ROOT / "banks" / "demo")
    document = openapi_document()
    return {
        "docs/features.md": features_reference(demo.features, demo.identity.name),
        "docs/configuration.md": configuration_reference(),
        "docs/commands.md": commands_reference(app),
        "docs/http_api.md": http_api_reference(document),
        "nbo_client/typescript/nbo.ts": typescript_client(document),
        "nbo_client/asynchronous.py": asynchronous_client((ROOT / "nbo_client" / "client.py").read_text("utf-8")),
    }


ROOT = COMMON_FEATURES.parent.parent
"""This repository, independent of the working folder."""


def main() -> None:
    """Write all of them."""
    for path, text in references().items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
