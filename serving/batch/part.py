"""Decide for one part of the bank and write the results as files; parts may run on any machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from decisioning.engine import DecisionContext, Decisions
from decisioning.plan.contact_options import all_contact_options, first_contact_options
from decisioning.reporting.forensics import Forensics
from decisioning.reporting.summary import Funnel, Summary
from decisioning.reporting.tables import ranked_offers, rejections
from domain.errors import DataError, StateError
from features.table import FeatureTable
from serving.batch.option_files import joined_options, write_options
from serving.decider import Decider
from storage.atomic import replacing

OFFERS, REJECTIONS, FEATURES, WISHES = "offers", "rejections", "features", "wishes"


@dataclass(frozen=True, slots=True)
class PartResult:
    """Result of one part; results add up.

    Attributes:
        customers: Customers decided for.
        decisions: Pairs of customer and channel with at least one offer.
        offers: Ranked offers.
    """

    customers: int
    decisions: int
    offers: int
    funnel: Funnel
    summary: Summary
    forensics: Forensics

    def __add__(self, other: PartResult) -> PartResult:
        return PartResult(
            self.customers + other.customers,
            self.decisions + other.decisions,
            self.offers + other.offers,
            self.funnel + other.funnel,
            self.summary + other.summary,
            self.forensics + other.forensics,
        )


def decide_part(
    decider: Decider, features: FeatureTable, context: DecisionContext, *, folder: Path, part: str
) -> PartResult:
    """Decide for the customers of a part in all channels, and write the results.

    Writes `folder/offers/part.parquet` (ranked offers), `folder/rejections/part.parquet` (which rules rejected what),
    `folder/features/part.parquet` (what rules, values and models saw, for replay) and, if the policy has outbound
    channels, `folder/wishes/part.npz` (contact options); each file is written atomically. Repeating a part gives the
    same files, also when run concurrently.

    Args:
        decider: Policy and models.
        features: At least one customer, with the columns that `decider.features` names.
        context: Time, seed, and prices and rests of budgets.
        folder: Folder of the run.
        part: Name of the part within the run, such as `bucket-03`.

    Raises:
        DataError: There are no customers, or features are missing.
        StateError: A file could not be written.
    """
    if not len(features):
        raise DataError(f"part {part} has no customers", expected="at least one", remedy="leave empty parts out")
    contents: dict[str, Callable[[Decisions], pa.Table]] = {
        OFFERS: ranked_offers,
        REJECTIONS: rejections,
        FEATURES: lambda decisions: decisions.features.to_arrow(),
    }
    needed = features.select(decider.features)
    funnels, summaries, forensics, contact_options = [], [], [], []
    decided = offered = 0
    try:
        with ExitStack() as files, ExitStack() as open_files:
            writers: dict[str, pq.ParquetWriter] = {}
            for decisions in decider.in_chunks(needed, context):
                for name, content in contents.items():
                    table = content(decisions)
                    if name == OFFERS:
                        offered += len(table)
                        decided += pc.sum(pc.equal(table["rank"], 1), min_count=0).as_py()
                    if name not in writers:
                        path = files.enter_context(replacing(part_file(folder, name, part)))
                        writers[name] = open_files.enter_context(
                            pq.ParquetWriter(path, table.schema, compression="zstd")
                        )
                    writers[name].write_table(table)
                funnels.append(Funnel.of(decisions))
                summaries.append(Summary.of(decisions))
                forensics.append(Forensics.of(decisions))
                if decider.policy.outbound:
                    contact_options.append(first_contact_options(decisions))
                decider.score_in_shadow(decisions)
            if contact_options:
                write_options(folder / WISHES, part, joined_options(contact_options))
    except OSError as error:
        raise StateError(
            f"the decisions of {part} could not be written to {folder}",
            got=error.strerror or str(error),
            remedy="free space or give write access, then decide again",
        ) from error
    return PartResult(
        len(features),
        decided,
        offered,
        sum(funnels[1:], funnels[0]),
        sum(summaries[1:], summaries[0]),
        sum(forensics[1:], forensics[0]),
    )


def write_contact_options(
    decider: Decider, features: FeatureTable, context: DecisionContext, *, folder: Path, part: str
) -> int:
    """Decide without prices and write all contact options of a part; the prices are computed from them.

    Returns:
        The number of customers.
    """
    decided = decider.in_chunks(features.select(decider.features), context)
    contact_options = [all_contact_options(decisions) for decisions in decided]
    if contact_options:
        write_options(folder, part, joined_options(contact_options))
    return len(features)


def part_file(folder: Path, content: str, part: str) -> Path:
    """Return the path of a part's `offers`, `rejections` or `features`."""
    return folder / content / f"{part}.parquet"


def logged_part_file(decisions: Path, content: str, part: str) -> Path:
    """Return the path of a part's file as decisions cite the part: `2026-06-24-ab12/bucket-003`.

    Args:
        decisions: Folder that holds one folder per batch run.
        content: `offers`, `rejections` or `features`.
        part: Run and part.

    Example:
        >>> logged_part_file(Path("decisions"), "offers", "2026-06-24-ab12/bucket-003").as_posix()
        'decisions/2026-06-24-ab12/offers/bucket-003.parquet'
    """
    return part_file((decisions / part).parent, content, Path(part).name)
