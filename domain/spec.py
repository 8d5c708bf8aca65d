"""The base of every dataclass that is read from a bank's folder."""

from __future__ import annotations

from typing import Any, ClassVar


class Spec:
    """A frozen dataclass that can be read from YAML.

    Specs are plain dataclasses that sit beside what they configure; the `config` room reads YAML into them. The
    reader needs only the class attribute below, which makes an unknown key an error. It is a plain dictionary, so
    that no room has to import the reader's library.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": False}
