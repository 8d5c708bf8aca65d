"""What a flow run leaves to look at in Prefect's pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact


def keep_table(key: str, description: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep rows as a table of the flow run."""
    create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)


def keep_page(key: str, description: str, markdown: str) -> None:
    """Keep a page of the flow run."""
    create_markdown_artifact(key=key, markdown=markdown, description=description)
