"""The base of everything that a bank's folder can say."""

from __future__ import annotations

from typing import Any, ClassVar


class Spec:
    """A frozen dataclass that can be read from YAML.

    Specs are plain dataclasses that sit beside what they configure; the `config` room reads YAML into them.
    The class attribute below is the only thing the reader needs from them: a key that no field has is an
    error, never ignored. It is a plain dictionary, so that no room has to import the reader's library.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": False}
