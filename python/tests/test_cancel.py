# SPDX-License-Identifier: Apache-2.0
"""Whenever a run is given up, nothing is left: of a cancelled task, an ended loop, an ended or killed interpreter."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import PLUGINS, Node
from vortex_sandbox import EmbeddedRunner

BUDGET = 20_000


async def test_at_every_moment_of_a_run(runner: EmbeddedRunner, clean: Node) -> None:
    before = clean.census()
    begin = time.monotonic()
    await runner.run("echo", 1, BUDGET)
    whole = time.monotonic() - begin
    ends: dict[str, int] = {}
    for step in range(30):
        task = asyncio.create_task(runner.run("echo", step, BUDGET))
        await asyncio.sleep(whole * 1.1 * step / 30)
        task.cancel()
        try:
            await task
            ends["done"] = ends.get("done", 0) + 1
        except asyncio.CancelledError:
            ends["cancelled"] = ends.get("cancelled", 0) + 1
    assert ends["cancelled"] >= 10, ends
    assert clean.await_census(before) == before


async def test_before_it_began(runner: EmbeddedRunner) -> None:
    task = asyncio.create_task(runner.run("echo", 1, BUDGET))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_twice(runner: EmbeddedRunner, clean: Node) -> None:
    before = clean.census()
    task = asyncio.create_task(runner.run("sleeper", {"seconds": 60}, 30_000))
    while not clean.shims():
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    begin = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Did not wait for the sandbox; it goes all the same.
    assert time.monotonic() - begin < 0.02
    assert clean.await_census(before) == before


async def test_by_a_timeout_and_in_a_group(runner: EmbeddedRunner) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await runner.run("sleeper", {"seconds": 60}, 30_000)

    async def fails() -> None:
        await asyncio.sleep(0.3)
        raise ValueError("as asked")

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(runner.run("sleeper", {"seconds": 60}, 30_000))
            group.create_task(fails())


async def test_while_it_waits_for_its_turn(clean: Node) -> None:
    async with EmbeddedRunner(PLUGINS, max_concurrent_runs=1, **clean.options) as runner:
        first = asyncio.create_task(runner.run("sleeper", {"seconds": 1}, 30_000))
        while not clean.shims():
            await asyncio.sleep(0.01)
        second = asyncio.create_task(runner.run("echo", 2, BUDGET))
        third = asyncio.create_task(runner.run("echo", 3, BUDGET))
        late = asyncio.create_task(runner.run("echo", 4, 100))
        await asyncio.sleep(0)
        second.cancel()
        assert (await first).ok
        result = await third
        assert result.output == 3 and result.timings.phases[0].usec > 100_000, "the wait is in its timings"
        assert (await late).cause == "deadline"
        with pytest.raises(asyncio.CancelledError):
            await second


def child(node: Node, code: str) -> subprocess.Popen[str]:
    prelude = (
        "import asyncio, json, os, signal, sys, threading, time, vortex_sandbox\n"
        "from vortex_sandbox import EmbeddedRunner\n"
        f"options = {node.options!r}\nplugins = {str(PLUGINS)!r}\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


ASYNC = """
async def main():
    async with EmbeddedRunner(plugins, **options) as runner:
        print((await runner.run("sleeper", {"seconds": 60}, 30_000)).cause)
asyncio.run(main())
"""
SYNC = """
with EmbeddedRunner(plugins, **options) as runner:
    print(runner.run_sync("sleeper", {"seconds": 60}, 30_000).cause)
"""
THREAD = """
runner = EmbeddedRunner(plugins, **options)
threading.Thread(target=lambda: print(runner.run_sync("sleeper", {"seconds": 60}, 30_000).cause), daemon=True).start()
time.sleep(0.5)
print("main ends")
"""
FORGOTTEN = """
runner = EmbeddedRunner(plugins, **options)
async def main():
    task = asyncio.create_task(runner.run("sleeper", {"seconds": 60}, 30_000))
    await asyncio.sleep(0.5)
    # A loop that is stopped, not run to its end, does not cancel its tasks.
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
print("main ends")
"""
DROPPED = """
def leave():
    runner = EmbeddedRunner(plugins, **options)
    async def main():
        asyncio.get_running_loop().create_task(runner.run("sleeper", {"seconds": 60}, 30_000))
        await asyncio.sleep(0.5)
    asyncio.run(main())
leave()
print("main ends")
"""


def await_shim(node: Node, process: subprocess.Popen[str]) -> None:
    while not node.shims():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("code", [ASYNC, SYNC], ids=["async", "sync"])
def test_ctrl_c(clean: Node, code: str) -> None:
    process = child(clean, code)
    await_shim(clean, process)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in err and out == "", (out, err)
    assert process.returncode in (1, 130, -signal.SIGINT)


@pytest.mark.parametrize("code", [THREAD, FORGOTTEN, DROPPED], ids=["daemon thread", "forgotten task", "dropped runner"])
def test_an_interpreter_that_ends(clean: Node, code: str) -> None:
    begin = time.monotonic()
    process = child(clean, code)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and "main ends" in out, (out, err)
    assert time.monotonic() - begin < 8


def test_a_killed_interpreter(clean: Node) -> None:
    before = clean.census()
    process = child(clean, ASYNC.replace("30_000", "2_000"))
    await_shim(clean, process)
    process.kill()
    process.wait()
    begin = time.monotonic()
    # The next runner finishes what is left before its first run. When the kill fell into the middle of a create,
    # containerd may finish that create only after the first of them has looked; then it is the one after.
    while True:
        with EmbeddedRunner(PLUGINS, **clean.options) as runner:
            assert runner.run_sync("echo", 1, BUDGET).ok
        if clean.await_census(before, 1) == before or time.monotonic() - begin > 20:
            break
    assert clean.await_census(before) == before


FORK = """
import vortex_sandbox.testing
runner = EmbeddedRunner(plugins, **options)
runner.run_sync("echo", 1, 20_000)
pid = os.fork()
if pid == 0:
    for use in (lambda: runner.run_sync("echo", 1, 20_000), lambda: EmbeddedRunner(plugins), runner.check_ready,
                lambda: asyncio.run(runner.run("echo", 1, 20_000))):
        try:
            use()
        except vortex_sandbox.ForkedProcess as error:
            assert error.code == "forked" and "spawn" in str(error), error
        else:
            os._exit(3)
    sys.exit(7)  # runs atexit, which must not touch the parent's
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
assert runner.run_sync("echo", 2, 20_000).output == 2
print("ok")
"""


def test_a_fork_after_the_import_is_refused(clean: Node) -> None:
    process = child(clean, FORK)
    out, err = process.communicate(timeout=30)
    assert out == "ok\n", err


def test_descriptors_are_not_inherited(clean: Node) -> None:
    def inheritable() -> set[str]:
        return {name for name in os.listdir("/proc/self/fd") if int(name) > 2 and _is_inheritable(int(name))}

    before = inheritable()
    with EmbeddedRunner(PLUGINS, **clean.options) as runner:
        runner.run_sync("echo", 1, BUDGET)
        assert inheritable() == before


def _is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # the listing's own
        return False
