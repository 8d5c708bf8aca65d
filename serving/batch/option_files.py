"""Contact options on disk: a file per part, read again in every pass of the allocation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from decisioning.allocation.problem import Keys
from decisioning.plan.contact_options import ContactOptions
from domain.errors import StateError
from storage.atomic import replacing


@dataclass(frozen=True, slots=True)
class OptionFiles:
    """The contact options of some parts, in order.

    Args:
        folder: Folder of the files.
        parts: Names of the parts to read.
        without: Hashes of customers who must not be contacted.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> none = np.zeros((0, 2))
        >>> options = ContactOptions(np.zeros(0, np.uint64), none.astype(np.int32), none, (none,), none > 0, none)
        >>> with TemporaryDirectory() as folder:
        ...     write_options(Path(folder), "bucket-000", options)
        ...     [part.gains.shape for part in OptionFiles(Path(folder), ("bucket-000",))]
        [(0, 2)]
    """

    folder: Path
    parts: Sequence[str]
    without: Keys = field(default_factory=lambda: np.empty(0, np.uint64))

    def __iter__(self) -> Iterator[ContactOptions]:
        return map(self.read, self.parts)

    def read(self, part: str) -> ContactOptions:
        """Read one part.

        Raises:
            StateError: The file is missing or damaged.
        """
        try:
            with np.load(option_file(self.folder, part), allow_pickle=False) as content:
                contact_options = ContactOptions(
                    keys=content["keys"],
                    candidates=content["candidates"],
                    gains=content["gains"],
                    uses=tuple(content["uses"]),
                    must=content["must"],
                    probabilities=content["probabilities"],
                )
        except (OSError, ValueError, KeyError) as error:
            raise StateError(
                f"the contact options of {part} cannot be read",
                got=str(error),
                remedy="remove the file and decide again",
            ) from error
        return contact_options.without(self.without) if len(self.without) else contact_options


def write_options(folder: Path, part: str, contact_options: ContactOptions) -> None:
    """Write the contact options of a part atomically."""
    uses = np.array(contact_options.uses, dtype=np.float64).reshape(
        len(contact_options.uses), *contact_options.gains.shape
    )
    with replacing(option_file(folder, part)) as beside, beside.open("wb") as handle:
        np.savez(
            handle,
            keys=contact_options.keys,
            candidates=contact_options.candidates,
            gains=contact_options.gains,
            uses=uses,
            must=contact_options.must,
            probabilities=contact_options.probabilities,
        )


def option_file(folder: Path, part: str) -> Path:
    """Return the path of a part's contact options."""
    return folder / f"{part}.npz"


def joined_options(parts: Sequence[ContactOptions]) -> ContactOptions:
    """Concatenate contact options under the same policy; there must be at least one part."""
    budgets = range(len(parts[0].uses))
    return ContactOptions(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.candidates for part in parts]),
        np.concatenate([part.gains for part in parts]),
        tuple(np.concatenate([part.uses[budget] for part in parts]) for budget in budgets),
        np.concatenate([part.must for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    )
