# SPDX-License-Identifier: Apache-2.0
"""A run whose output is read while it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType

from ._types import OutputCallback, OutputChunk, SandboxResult


class StreamedRun:
    """An async context manager and iterator over :class:`OutputChunk`; leaving it early cancels the run.

    At most ``room`` bytes wait for the reader. What comes while it is full is dropped, and the next chunk's
    ``lost_bytes`` counts it: a slow reader never holds up the sandbox or its deadline, and the result keeps its own
    copy up to the limit.
    """

    def __init__(self, start: Callable[[OutputCallback], Awaitable[SandboxResult]], room: int) -> None:
        self._start = start
        self._room = room
        self._chunks: deque[OutputChunk] = deque()
        self._lost = {"stdout": 0, "stderr": 0}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[SandboxResult] | None = None

    def _put(self, chunk: OutputChunk) -> None:
        if len(chunk.data) > self._room:
            self._lost[chunk.stream] += len(chunk.data) + chunk.lost_bytes
        else:
            self._room -= len(chunk.data)
            lost = self._lost[chunk.stream] + chunk.lost_bytes
            self._lost[chunk.stream] = 0
            self._chunks.append(OutputChunk(chunk.stream, chunk.data, lost))
        self._wake.set()

    async def _run(self) -> SandboxResult:
        try:
            return await self._start(self._put)
        finally:
            self._wake.set()

    async def __aenter__(self) -> StreamedRun:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        elif not self._task.cancelled():
            self._task.exception()  # seen, if result() was not asked for

    def __aiter__(self) -> StreamedRun:
        return self

    async def __anext__(self) -> OutputChunk:
        assert self._task is not None, "use it as `async with`"
        while True:
            if self._chunks:
                chunk = self._chunks.popleft()
                self._room += len(chunk.data)
                return chunk
            if self._task.done():
                for stream, lost in self._lost.items():
                    if lost:
                        self._lost[stream] = 0
                        return OutputChunk(stream, b"", lost)
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()

    async def result(self) -> SandboxResult:
        """Waits for the end of the run."""
        assert self._task is not None, "use it as `async with`"
        return await asyncio.shield(self._task)
