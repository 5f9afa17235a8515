# SPDX-License-Identifier: Apache-2.0
"""Many runs from one process: none lost, nothing that grows. VORTEX_PYTHON_RUNS says how many (1000 for the full one)."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import pathlib
import re
import sys
import time

from conftest import PLUGINS, Node
from vortex_sandbox import EmbeddedRunner

RUNS = int(os.environ.get("VORTEX_PYTHON_RUNS", "200"))
CONCURRENCY = 32


def rss_kib() -> int:
    match = re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())
    assert match is not None
    return int(match.group(1))


class _MallInfo(ctypes.Structure):
    # mallinfo(3)
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]


def in_use() -> tuple[int, int]:
    """KiB that malloc has handed out, and Python's own blocks: a leak is here, whatever the allocators keep."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _MallInfo
    info = mallinfo()
    gc.collect()
    return (info.uordblks + info.hblkhd) // 1024, sys.getallocatedblocks()


def process_census() -> dict[str, int]:
    return {"fds": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task"))}


async def test_many(clean: Node) -> None:
    async with EmbeddedRunner(PLUGINS, max_concurrent_runs=CONCURRENCY, **clean.options) as runner:
        gate = asyncio.Semaphore(CONCURRENCY)
        ids: set[str] = set()
        stall = 0.0

        async def one(number: int) -> None:
            async with gate:
                result = await runner.run("echo", {"n": number, "pad": "x" * 1000}, 20_000)
            assert result.ok, result.termination
            assert result.output["n"] == number
            ids.add(result.run_id)

        async def watch_loop() -> None:
            nonlocal stall
            while True:
                begin = time.monotonic()
                await asyncio.sleep(0.005)
                stall = max(stall, time.monotonic() - begin - 0.005)

        # What is made once (threads, connections, the image's view) is made here.
        await asyncio.gather(*(one(-1 - i) for i in range(CONCURRENCY)))
        ids.clear()
        # The warm-up's last shims end after the answers to their last calls.
        clean_node = clean.await_census({**clean.census(), "shims": 0})
        before, memory, used = process_census(), rss_kib(), [in_use()]
        watcher = asyncio.create_task(watch_loop())
        begin = time.monotonic()
        marks = []
        for part in range(4):
            await asyncio.gather(*(one(part * RUNS + i) for i in range(RUNS // 4)))
            marks.append(rss_kib())
            used.append(in_use())
        seconds = time.monotonic() - begin
        watcher.cancel()
        left = clean.await_census(clean_node)
        print(
            f"\n{RUNS} runs at concurrency {CONCURRENCY}: {RUNS / seconds:.1f}/s, loop stalled at most {stall * 1000:.1f} ms, "
            f"{len(ids)} results, RSS {memory} KiB before, {marks} KiB after each quarter, {before} -> {process_census()}\n"
            f"in use (KiB of malloc, blocks of Python): {used}\n"
            f"on the node before: {clean_node}\nafter: {left}"
        )
        assert left == clean_node, "something was left behind"
        assert len(ids) == RUNS // 4 * 4
        # gRPC adds a poller now and then, to a bound of its own.
        now = process_census()
        assert now["fds"] <= before["fds"] + 4 and now["threads"] <= before["threads"] + 4, (before, now)
        # One block a run is its id, which this test keeps.
        assert used[-1][0] - used[1][0] < 512 and used[-1][1] - used[1][1] < 2 * RUNS + 1000, used
        assert marks[-1] - memory < 8 * 1024 and marks[-1] - marks[0] < 4 * 1024, (memory, marks)
