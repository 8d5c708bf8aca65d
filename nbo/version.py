"""The version of the program; a test compares it with `pyproject.toml`."""

from typing import Final

VERSION: Final = "0.2.0"
