"""Work done by Spark's tasks: one task for each piece, on whatever machines the master has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from uuid import uuid4

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.util import InheritableThread

import domain.errors
from domain.errors import EngineError, NboError
from domain.progress import Progress, silent
from features.engines.engine import Item, Report
from features.engines.session import spark_session

_SECONDS_BETWEEN_LOOKS = 0.5
_ANSWER = pa.schema([("number", pa.int64()), ("report", pa.string()), ("error", pa.string())])


class SparkEngine:
    """A Spark master, asked for tasks only when there is work.

    Args:
        master: As Spark writes it.
        settings: Any of Spark's.
    """

    def __init__(self, master: str, settings: Mapping[str, str]) -> None:
        self._master = master
        self._settings = dict(settings)

    @contextmanager
    def workers(self) -> Iterator[SparkWorkers]:
        """Open a session for the length of the block.

        Raises:
            EngineError: There is no Java, a master does not answer, or Spark refuses a setting.
        """
        with spark_session(self._master, self._settings) as session:
            yield SparkWorkers(session)


class SparkWorkers:
    """The executors of a session.

    Attributes:
        session: Open as long as the workers are there.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session = session

    @property
    def threads(self) -> int:
        """Those that Spark reckons with for a task: `spark.task.cpus`."""
        return int(self.session.sparkContext.getConf().get("spark.task.cpus", "1"))

    def map(self, work: Callable[[Item], Report], items: Sequence[Item], progress: Progress = silent) -> list[Report]:
        """Do the work in one stage with a task for each item; a task that is lost is done again, as Spark does."""
        if not items:
            return []
        numbers = self.session.range(0, len(items), 1, numPartitions=len(items))
        answers = numbers.mapInArrow(_task(work, items), "number long, report string, error string")
        try:
            with self._watched(len(items), progress):
                rows = answers.collect()
        except (Py4JError, PySparkException) as error:
            raise EngineError("work on Spark failed", got=_last_line(str(error))) from error
        for row in sorted(rows, key=lambda row: row["number"]):
            if row["error"] is not None:
                raise _revived(row["error"])
        progress(len(items), len(items))
        return [json.loads(row["report"]) for row in sorted(rows, key=lambda row: row["number"])]

    @contextmanager
    def _watched(self, total: int, progress: Progress) -> Iterator[None]:
        """Tell progress from a thread of its own, by asking how many tasks are done."""
        context = self.session.sparkContext
        group = f"nbo-{uuid4()}"
        context.setJobGroup(group, "nbo: work on buckets", interruptOnCancel=True)
        tracker, finished = context.statusTracker(), Event()

        def watch() -> None:
            while not finished.wait(_SECONDS_BETWEEN_LOOKS):
                jobs = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group))
                stages = (tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds)
                progress(sum(stage.numCompletedTasks for stage in stages if stage), total)

        watcher = InheritableThread(target=watch, daemon=True)  # which closes its connection to Java when it ends
        watcher.start()
        try:
            yield
        finally:
            finished.set()
            watcher.join()


def _task(
    work: Callable[[Item], Report], items: Sequence[Item]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """Make what a task does: the work for its numbers; an error of ours is an answer, for trying again is no use."""

    def do(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                report, error = None, None
                try:
                    report = json.dumps(work(items[number]))
                except NboError as problem:
                    error = json.dumps([type(problem).__name__, problem.__dict__])
                yield pa.RecordBatch.from_pylist([{"number": number, "report": report, "error": error}], schema=_ANSWER)

    return do


def _revived(written: str) -> NboError:
    """Make an error that a task wrote down the same error here."""
    name, parts = json.loads(written)
    kind = getattr(domain.errors, name, NboError)
    revived: NboError = kind(**parts)
    return revived


def _last_line(text: str) -> str:
    """The line of a worker's traceback that says what it was."""
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "\t"))]
    return lines[-1] if lines else text
