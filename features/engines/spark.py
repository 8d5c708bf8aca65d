"""Engine that runs each piece of work as a Spark task, on the machines of the master."""

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
    """Runs work on a Spark master; a session is opened only when there is work.

    Args:
        master: Spark's master URL.
        settings: Spark settings.
    """

    def __init__(self, master: str, settings: Mapping[str, str]) -> None:
        self._master = master
        self._settings = dict(settings)

    @contextmanager
    def workers(self) -> Iterator[SparkWorkers]:
        """Open a session for the length of the block.

        Raises:
            EngineError: If there is no Java, the master does not answer, or Spark rejects a setting.
        """
        with spark_session(self._master, self._settings) as session:
            yield SparkWorkers(session)


class SparkWorkers:
    """The executors of a session.

    Attributes:
        session: Open while the workers are in use.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session = session

    @property
    def threads(self) -> int:
        """Threads that Spark allocates to a task: `spark.task.cpus`."""
        return int(self.session.sparkContext.getConf().get("spark.task.cpus", "1"))

    def map(self, work: Callable[[Item], Report], items: Sequence[Item], progress: Progress = silent) -> list[Report]:
        """Run the work in one stage with one task for each item; Spark runs lost tasks again."""
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
        """Report progress from a separate thread that polls how many tasks are done."""
        context = self.session.sparkContext
        group = f"nbo-{uuid4()}"
        context.setJobGroup(group, "nbo: work on buckets", interruptOnCancel=True)
        tracker, finished = context.statusTracker(), Event()

        def watch() -> None:
            while not finished.wait(_SECONDS_BETWEEN_LOOKS):
                jobs = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group))
                stages = (tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds)
                progress(sum(stage.numCompletedTasks for stage in stages if stage), total)

        watcher = InheritableThread(target=watch, daemon=True)  # closes its connection to Java when it ends
        watcher.start()
        try:
            yield
        finally:
            finished.set()
            watcher.join()


def _task(
    work: Callable[[Item], Report], items: Sequence[Item]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """Make a task's function. It returns an `NboError` as a result, because Spark's retries would not help."""

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
    """Recreate an error that a task serialised."""
    name, parts = json.loads(written)
    kind = getattr(domain.errors, name, NboError)
    revived: NboError = kind(**parts)
    return revived


def _last_line(text: str) -> str:
    """Return the last line of a worker's traceback that names the error."""
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "\t"))]
    return lines[-1] if lines else text
