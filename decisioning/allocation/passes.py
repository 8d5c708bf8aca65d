"""One pass over all chunks on a few threads, with results in the order of the chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from decisioning.allocation.problem import Chunk

Result = TypeVar("Result")


def over_chunks(compute: Callable[[Chunk, int], Result], chunks: Iterable[Chunk], threads: int) -> Iterator[Result]:
    """Call a function on every chunk and yield the results.

    The caller's thread fetches chunks one at a time, and at most one more than there are threads is held. numpy
    releases the GIL while it computes, so threads help where chunks have thousands of rows.

    Args:
        compute: Function of a chunk and the position of its first customer; must not keep the chunk.
        chunks: Chunks in the order of positions.
        threads: Number of threads; 1 computes in the caller's thread.
    """
    start = 0
    if threads == 1:
        for chunk in chunks:
            yield compute(chunk, start)
            start += len(chunk)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[Result]] = deque()
        for chunk in chunks:
            running.append(pool.submit(compute, chunk, start))
            start += len(chunk)
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
