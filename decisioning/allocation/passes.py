"""One pass over everybody, chunk by chunk, on a few threads, with results in the order of the chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from decisioning.allocation.problem import Chunk

Result = TypeVar("Result")


def over_chunks(compute: Callable[[Chunk, int], Result], chunks: Iterable[Chunk], threads: int) -> Iterator[Result]:
    """Compute something of every chunk.

    Chunks are fetched one after the other by the caller's thread, and never more than there are threads and one are
    held. numpy lets go of the interpreter while it computes, so threads help where chunks have thousands of rows.

    Args:
        compute: Takes a chunk and the position of its first customer; must not keep the chunk.
        chunks: In the order of positions.
        threads: 1 computes in the caller's thread.
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
