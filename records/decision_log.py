"""The decision log: keeps decisions, as JSON without loss, so that they can be explained and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select

from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import RULES, decision_of
from domain.decision import Candidate, Decision, RuleVerdict
from domain.errors import NotFoundError, StateError
from records.archive.archive import DecisionArchive
from records.archive.files import LISTED, month_in
from records.database import Database
from records.decision_writes import decision_row
from records.erasures import erasures_of, hold_erasures, is_erased
from records.event_rows import microseconds, moment_of
from records.schema import DECISIONS, RULE_BOOKS, VERSIONS


def to_json(decision: Decision) -> str:
    """Return a decision as JSON; equal decisions give equal bytes.

    Example:
        >>> from datetime import UTC
        >>> decision = Decision(decision_id="d1", customer_id="c1", channel="app", stage=None, seed=7, candidates=(),
        ...                     as_of=datetime(2026, 1, 1, tzinfo=UTC), features={"age": 41.0}, versions={})
        >>> from_json(to_json(decision)) == decision
        True
    """
    content = asdict(decision)
    content["as_of"] = decision.as_of.isoformat()
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Decision:
    """Read a decision from the JSON of `to_json`.

    Raises:
        StateError: The text is not such a record.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        content["as_of"] = datetime.fromisoformat(content["as_of"])
        content["candidates"] = tuple(_candidate(candidate) for candidate in content["candidates"])
        return Decision(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise StateError("a record of a decision cannot be read", got=str(error), expected="a whole record") from error


def _candidate(content: dict[str, Any]) -> Candidate:
    return Candidate(**{**content, "verdicts": tuple(RuleVerdict(**verdict) for verdict in content["verdicts"])})


ROWS_PER_STATEMENT = 10_000
IDS_PER_STATEMENT = 1_000
COUNT_ROWS = {"preserve_rowcount": True}
BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDecision:
    """One row of the log.

    Attributes:
        features_from: Where the features came from (`serving.customer_features.Origin`), or `batch`.
        offer: First of the ranked offers; None where nothing was offered.
        versions: Name and version of everything that took part.
        part: Name of the Parquet files, for a decision of a batch run.
        record: The whole decision, for a single one.
    """

    decision_id: str
    customer_id: str
    channel: str
    as_of: datetime
    features_from: str
    stage: str | None
    offer: str | None
    propensity: float | None
    value: float | None
    priority: float | None
    selection_probability: float | None
    seed: int
    versions: Mapping[str, str]
    part: str | None
    record: Decision | None


class DecisionLog:
    """Decisions in a database: SQLite in one file, or PostgreSQL for several servers.

    A single decision is kept with its whole record, even if nothing was offered. A batch run keeps one row for every
    decision with an offer, and the rest in Parquet files that the row names: it has too many verdicts for a row each.
    Stored decisions never change: a decision's id depends on its inputs, so appending it again, for example after a
    crash, adds nothing. Decisions of customers who were erased since their moment are not added.

    Args:
        url: URL of the database, or a database that is already open.
        archive: Holds decisions that have left the database; None for a log that keeps all.

    Raises:
        StateError: From every method, if the database does not answer or rejects the call.
    """

    def __init__(self, url: str | Database, archive: DecisionArchive | None = None) -> None:
        self.database = url if isinstance(url, Database) else Database(url)
        self._archive = archive
        self._books: dict[str, RuleBook] = {}

    def append(self, decision: Decision, features_from: str) -> bool:
        """Write a single decision; it is committed when this returns.

        Returns:
            Whether it was new.
        """
        row = decision_row(decision, features_from, to_json(decision))
        return self._add([row], decision.versions) == 1

    def append_batch(self, offers: pa.Table, *, part: str, seed: int, versions: Mapping[str, str]) -> int:
        """Write the decisions of a batch run that offer something: all or none of them.

        Args:
            offers: Table from `decisioning.reporting.tables.ranked_offers`.
            part: Name of the Parquet files of these decisions.
            seed: Seed of the random draws.
            versions: Name and version of everything that took part.

        Returns:
            Number of new decisions.
        """
        first = offers.filter(pc.equal(offers["rank"], 1))
        kept = ["decision_id", "customer_id", "channel", "stage", "offer"]
        kept += ["propensity", "value", "priority", "selection_probability"]
        rows = first.select(kept).to_pylist()
        moments = first["as_of"].cast(pa.int64()).to_pylist()
        for row, as_of in zip(rows, moments, strict=True):
            row |= {"as_of": as_of, "features_from": BATCH, "seed": seed, "record": None, "part": part}
        return self._add(rows, versions)

    def get(self, decision_id: str) -> LoggedDecision:
        """Return a decision.

        Raises:
            NotFoundError: No decision has this id.
        """
        for found in self._select(DECISIONS.c.decision_id == decision_id, limit=1):
            return found
        archived = None if self._archive is None else self._archive.get(decision_id)
        if archived is not None:
            return self._logged(archived)
        raise NotFoundError(
            "no such decision in the log",
            got=f"'{decision_id}'",
            expected="the id of a decision that was returned",
            remedy="decisions of a batch are logged only where they offer something",
        )

    def with_ids(self, decision_ids: Sequence[str]) -> Iterator[LoggedDecision]:
        """Read those of the decisions that the database has, in no particular order; archived ones are left out."""
        for start in range(0, len(decision_ids), IDS_PER_STATEMENT):
            portion = decision_ids[start : start + IDS_PER_STATEMENT]
            yield from self._select(DECISIONS.c.decision_id.in_(portion), limit=len(portion))

    def of_customer(self, customer_id: str, limit: int = 100) -> list[LoggedDecision]:
        """List a customer's decisions, latest first."""
        found = list(self._select(DECISIONS.c.customer_id == customer_id, limit))
        if self._archive is not None and len(found) < limit:
            known = {decision.decision_id for decision in found}  # one may have moved to the archive since
            archived = map(self._logged, self._archive.of_customer(customer_id, limit))
            found += [decision for decision in archived if decision.decision_id not in known][: limit - len(found)]
        return found

    def between(self, since: datetime, until: datetime) -> pa.Table:
        """List the decisions of a period, earliest first, without their records.

        Args:
            since: Start of the period, aware.
            until: End of the period, aware; not included.

        Returns:
            Columns of `records.archive.files.LISTED`; `as_of` in microseconds since 1970, `content` the versions as
            JSON.
        """
        first, end = microseconds(since), microseconds(until)
        columns = [VERSIONS.c.content if name == "content" else DECISIONS.c[name] for name in LISTED.names]
        query = select(*columns).join(VERSIONS).where(DECISIONS.c.as_of >= first, DECISIONS.c.as_of < end)
        tables = [LISTED.empty_table()]
        with self.database.reading() as connection:
            for rows in connection.execute(query).partitions(ROWS_PER_STATEMENT):
                content = zip(*rows, strict=True)
                tables.append(pa.table([pa.array(*of) for of in zip(content, LISTED.types, strict=True)], LISTED))
        found = pa.concat_tables(tables)
        if self._archive is not None:
            archived = self._archive.between(first, end)
            moved_since = pc.is_in(archived["decision_id"], found["decision_id"])
            found = pa.concat_tables([found, archived.filter(pc.invert(moved_since))])
        return found.sort_by([("as_of", "ascending"), ("decision_id", "ascending")])

    def first_moment(self) -> datetime | None:
        """Return when the first decision was made that is still kept; None if there is none.

        Of archived decisions only the month is known: it is the month's start, if that is earlier.
        """
        with self.database.reading() as connection:
            first = connection.execute(select(func.min(DECISIONS.c.as_of))).scalar()
        moments = [] if first is None else [moment_of(first)]
        if self._archive is not None and (files := self._archive.files()):
            moments.append(datetime.strptime(f"{month_in(files[-1])} +0000", "%Y-%m %z"))
        return min(moments, default=None)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def _add(self, rows: Sequence[dict[str, Any]], versions: Mapping[str, str]) -> int:
        content = json.dumps(dict(versions), sort_keys=True)
        digest = blake2b(content.encode(), digest_size=16).hexdigest()
        add, added = self.database.add, 0
        with self.database.transaction() as connection:
            hold_erasures(connection, self.database)
            erased = erasures_of(connection, self.database, {row["customer_id"] for row in rows})
            kept = [row for row in rows if not is_erased(erased, row["customer_id"], row["as_of"])]
            connection.execute(add(VERSIONS), {"digest": digest, "content": content})
            for start in range(0, len(kept), ROWS_PER_STATEMENT):
                portion = [{**row, "versions": digest} for row in kept[start : start + ROWS_PER_STATEMENT]]
                added += connection.execute(add(DECISIONS), portion, execution_options=COUNT_ROWS).rowcount
        return added

    def _select(self, condition: Any, limit: int) -> Iterator[LoggedDecision]:
        query = (
            select(DECISIONS, VERSIONS.c.content)
            .join(VERSIONS)
            .where(condition)
            .order_by(DECISIONS.c.as_of.desc(), DECISIONS.c.decision_id)
            .limit(limit)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return (self._logged(row._asdict()) for row in rows)

    def _logged(self, content: dict[str, Any]) -> LoggedDecision:
        versions = json.loads(content.pop("content"))
        record = content.pop("record")
        as_of = moment_of(content.pop("as_of"))
        content |= {"versions": versions, "as_of": as_of, "record": None if record is None else self._read(record)}
        return LoggedDecision(**content)

    def _read(self, text: str) -> Decision:
        try:
            digest = orjson.loads(text).get(RULES)
        except (ValueError, AttributeError) as error:
            raise StateError("a record of a decision cannot be read", got=str(error)) from error
        return from_json(text) if digest is None else decision_of(text, self._book(digest))

    def _book(self, digest: str) -> RuleBook:
        if digest not in self._books:
            query = select(RULE_BOOKS.c.content).where(RULE_BOOKS.c.digest == digest)
            with self.database.reading() as connection:
                content = connection.execute(query).scalar()
            if content is None:
                raise StateError("the log lacks the rule book of a decision", got=digest, expected="a rule book")
            self._books[digest] = RuleBook.from_text(content)
        return self._books[digest]
