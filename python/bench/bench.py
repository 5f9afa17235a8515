#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench python: what the Python package costs, against `ctr run`, `podman run` and a plain process, on one machine in
one go, in turns. Needs root and the environment of ./dev env."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from vortex_sandbox import EmbeddedRunner

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests/plugins"
# The interpreter starts and imports what our harness imports; none of the others can hand over a payload.
PROGRAM = ["/usr/bin/python3", "-I", "-S", "-B", "-c", "import _json, fcntl, os, sys"]
PODMAN_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]

Job = Callable[[int], Awaitable[None]]


async def command(argv: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(argv)}: exit status {process.returncode}: {errors.decode()}")


def ctr(number: int) -> Awaitable[None]:
    base = ["ctr", "--address", os.environ["VORTEX_CONTAINERD_ADDRESS"], "--namespace", "vortex"]
    name = f"bench-py-{os.getpid()}-{number}"
    return command([*base, "run", "--rm", "--read-only", "--null-io", os.environ["VORTEX_IMAGE"], name, *PROGRAM])


def plain(number: int) -> Awaitable[None]:
    return command(PROGRAM)


@contextmanager
def podman() -> Iterator[Job | None]:
    """A podman with storage of its own; None where it cannot run a container."""
    if shutil.which("podman") is None:
        print("podman: not installed, left out")
        yield None
        return
    work = tempfile.mkdtemp(prefix="vx-podman-")
    base = ["podman", "--root", work + "/root", "--runroot", work + "/run", "--cgroup-manager", "cgroupfs", "--runtime", "runc"]
    pull = subprocess.run([*base, "pull", "-q", "oci:" + os.environ["VORTEX_IMAGE_LAYOUT"]], capture_output=True, text=True)
    image = pull.stdout.strip()
    argv = [*base, "run", "--rm", "--network", "none", "--read-only", *PODMAN_LIMITS, "--entrypoint", PROGRAM[0], image]
    argv += PROGRAM[1:]
    tried = subprocess.run(argv, capture_output=True, text=True)
    try:
        if tried.returncode != 0:
            print("podman: left out:", (pull.stderr + tried.stderr).strip().replace("\n", "; ")[:300])
            yield None
        else:
            yield lambda number: command(argv)
    finally:
        subprocess.run([*base, "system", "reset", "--force"], capture_output=True)
        shutil.rmtree(work, ignore_errors=True)


async def batch(job: Job, runs: int, concurrency: int, first: int) -> float:
    """Seconds for `runs` of `job`, `concurrency` at once."""
    gate = asyncio.Semaphore(concurrency)

    async def one(number: int) -> None:
        async with gate:
            await job(number)

    begin = time.monotonic()
    await asyncio.gather(*(one(first + i) for i in range(runs)))
    return time.monotonic() - begin


class StallWatch:
    """How late the event loop is, at worst and at p99, while something else goes on."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def __aenter__(self) -> StallWatch:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            begin = time.monotonic()
            await asyncio.sleep(0.002)
            self.late.append(time.monotonic() - begin - 0.002)

    def text(self) -> str:
        late = sorted(self.late)
        return f"p50 {late[len(late) // 2] * 1e3:.2f} ms, p99 {late[int(len(late) * 0.99)] * 1e3:.2f} ms, max {late[-1] * 1e3:.1f} ms"


def import_time() -> dict[str, float]:
    """Median milliseconds of a process that does nothing, that imports asyncio, and that imports the package."""
    out = {}
    for name, code in (("nothing", "pass"), ("asyncio", "import asyncio"), ("vortex_sandbox", "import vortex_sandbox")):
        times = []
        for _ in range(15):
            begin = time.monotonic()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.monotonic() - begin)
        out[name] = statistics.median(times) * 1e3
    return out


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side, of 32 runs")
    parser.add_argument("--json", help="write the figures to this file")
    args = parser.parse_args()
    figures: dict[str, Any] = {}

    figures["import_ms"] = imports = import_time()
    print(
        f"import: {imports['vortex_sandbox'] - imports['nothing']:.0f} ms over a bare interpreter "
        f"({imports['asyncio'] - imports['nothing']:.0f} ms of it asyncio)"
    )

    async with EmbeddedRunner(PLUGINS) as runner:
        overheads: list[float] = []
        walls: list[float] = []

        async def sandbox(number: int) -> None:
            begin = time.monotonic()
            result = await runner.run("echo", {"n": number}, 20_000)
            wall = time.monotonic() - begin
            if not result.ok:
                sys.exit(f"bench: {result.termination}")
            walls.append(wall)
            overheads.append(wall * 1e6 - result.timings.total_usec)

        await batch(sandbox, 5, 1, 0)
        walls.clear()
        overheads.clear()
        await batch(sandbox, 50, 1, 0)
        figures["overhead_usec"] = {"median": statistics.median(overheads), "p99": sorted(overheads)[-1]}
        print(
            f"await run() over the C++ runner, one at a time: median {statistics.median(overheads):.0f} µs, "
            f"max of 50 {max(overheads):.0f} µs; a run takes {statistics.median(walls) * 1e3:.1f} ms"
        )

        with podman() as podman_job:
            sides: dict[str, Job] = {"vortex_sandbox": sandbox, "ctr run": ctr, "plain process": plain}
            if podman_job is not None:
                sides["podman run"] = podman_job
            figures["runs_per_second"] = {}
            number = 0
            for concurrency in (1, 8, 32):
                runs = 12 if concurrency == 1 else 32
                seconds: dict[str, list[float]] = {name: [] for name in sides}
                for _ in range(args.rounds):
                    for name, job in sides.items():
                        seconds[name].append(await batch(job, runs, concurrency, number))
                        number += runs
                rates = {name: runs / statistics.median(times) for name, times in seconds.items()}
                figures["runs_per_second"][concurrency] = rates
                ours = rates["vortex_sandbox"]
                text = ", ".join(f"{name} {rate:.1f}/s (ratio {ours / rate:.2f})" for name, rate in rates.items())
                print(f"concurrency {concurrency}: {text}")

        async with StallWatch() as idle:
            await asyncio.sleep(2)
        async with StallWatch() as busy:
            await batch(sandbox, 96, 32, number)
        async with StallWatch() as processes:
            await batch(plain, 96, 32, number)
        figures["stall_ms"] = {"idle": max(idle.late) * 1e3, "busy": max(busy.late) * 1e3, "plain": max(processes.late) * 1e3}
        print(f"event loop late, nothing to do: {idle.text()}")
        print(f"event loop late, 96 runs at concurrency 32: {busy.text()}")
        print(f"event loop late, 96 plain processes at concurrency 32: {processes.text()}")
        print(f"({os.cpu_count()} cpus)")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
