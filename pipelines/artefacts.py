"""Artefacts of flow runs, shown in Prefect's pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact


def keep_table(key: str, description: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows as a table to the flow run."""
    create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)


def keep_page(key: str, description: str, markdown: str) -> None:
    """Add a Markdown page to the flow run."""
    create_markdown_artifact(key=key, markdown=markdown, description=description)


def keep_link(key: str, description: str, file: Path) -> None:
    """Add a link to a file to the flow run."""
    create_link_artifact(key=key, link=file.as_uri(), link_text=file.name, description=description)
