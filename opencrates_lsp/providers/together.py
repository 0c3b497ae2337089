"""Several answers read at once, as one stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence

from opencrates_lsp.errors import OpenCratesError
from opencrates_lsp.values import Chunk

log = logging.getLogger(__name__)


async def side_by_side(streams: Sequence[AsyncGenerator[Chunk, None]]) -> AsyncGenerator[Chunk, None]:
    """The pieces of all streams, each as soon as it is there.

    A stream that fails with an error for the user leaves the others running; the first such error is raised when all
    have failed.
    Closing the generator, or cancelling whoever reads it, closes every stream before it returns.
    """
    if len(streams) == 1:
        async with contextlib.aclosing(streams[0]) as only:
            async for chunk in only:
                yield chunk
        return
    queue = asyncio.Queue[Chunk | asyncio.Task[None]]()
    readers = [asyncio.create_task(_read(stream, queue)) for stream in streams]
    for reader in readers:
        reader.add_done_callback(queue.put_nowait)
    failures: list[OpenCratesError] = []
    try:
        left = len(readers)
        while left:
            piece = await queue.get()
            if isinstance(piece, Chunk):
                yield piece
                continue
            left -= 1
            error = piece.exception()
            if isinstance(error, OpenCratesError):
                log.debug("One of %d candidates could not be had: %s", len(readers), error.message)
                failures.append(error)
            elif error is not None:
                raise error
        if len(failures) == len(readers):
            raise failures[0]
    finally:
        for reader in readers:
            reader.cancel()
        # What they end with is not lost: it is raised above, or nobody waits for it any more.
        await asyncio.gather(*readers, return_exceptions=True)


async def _read(stream: AsyncGenerator[Chunk, None], queue: asyncio.Queue[Chunk | asyncio.Task[None]]) -> None:
    async with contextlib.aclosing(stream) as chunks:
        async for chunk in chunks:
            queue.put_nowait(chunk)
