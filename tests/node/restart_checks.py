# SPDX-License-Identifier: Apache-2.0
"""containerd is killed under a running task; a job's deadline passes while it is dead."""
import os
import pathlib
import shutil
import time

from messages import RunReport, parse
from node import (PATIENCE, WORK, Namespace, alive, census, containerd_kill, containerd_start, fact, nothing_left,
                  wait_for)
from tap import expect, expect_equal


def remove_fifos():
    """ctr's own, which it removes when it deletes a task: not when containerd has done that at its start."""
    for directory in pathlib.Path("/run/containerd/fifo").iterdir():
        shutil.rmtree(directory)


def found_again(space):
    try:
        output = space.run("survivor", "/work", "sleep", "100000", flags=["-d"])
        expect_equal(output.code, 0, output)
        pid, shims = space.tasks()["survivor"][0], space.shims()
        containerd_kill()
        expect(alive(pid), f"process {pid} died with containerd")
        containerd_start()
        expect_equal(space.tasks(), {"survivor": (pid, "RUNNING")})
        expect_equal(space.shims(), shims, "another shim")
        expect_equal(space.ctr("task", "exec", "--exec-id", "e", "survivor", "/work", "exit", "5").code, 5)
        space.must("task", "kill", "survivor")
        wait_for("SIGTERM ends it", lambda: space.state("survivor") == "STOPPED")
        output = space.ctr("task", "rm", "survivor")
        expect("code 9" in output.out + output.err or output.code == 9, output)
    finally:
        containerd_start()
        space.remove("survivor")


def ended_meanwhile(space):
    """Its end is not lost: containerd either knows the status or has cleaned up."""
    try:
        output = space.run("ended", "/work", "sleep", "100000", flags=["-d"])
        expect_equal(output.code, 0, output)
        pid = space.tasks()["ended"][0]
        containerd_kill()
        os.kill(pid, 15)
        wait_for("it ends", lambda: not alive(pid))
        containerd_start()
        state = space.state("ended")
        expect(state in ("STOPPED", "none"), state)
        if state == "STOPPED":
            output = space.ctr("task", "rm", "ended")
            expect("code 9" in output.out + output.err or output.code == 9, output)
        wait_for("the shim ends", lambda: not space.shims(), 60)
    finally:
        containerd_start()
        space.remove("ended")
        remove_fifos()


def deadline(space):
    """Nobody but the shim is left to keep it."""
    report = WORK / "report"
    report.unlink(missing_ok=True)
    at = time.time() + 45
    try:
        output = space.run("job", "/work", "stay", flags=[
            "-d", "--annotation", "io.vortex.run-id=r1", "--annotation", f"io.vortex.report={report}",
            "--annotation", f"io.vortex.deadline-unix-ns={int(at * 1e9)}"])
        expect_equal(output.code, 0, output)
        pid = space.tasks()["job"][0]
        procs = [int(line) for line in fact(f"/sys/fs/cgroup/{space.name}/job/cgroup.procs").split()]
        expect(pid in procs and len(procs) == 2, pid, procs)
        containerd_kill()
        expect(time.time() < at, "the deadline has passed before containerd was dead: no proof")
        expect(all(alive(one) for one in procs), procs)
        wait_for("the deadline ends all of it", lambda: not any(alive(one) for one in procs), PATIENCE)
        expect(time.time() >= at, f"{at - time.time()} s before its time")
        wait_for("a report", report.exists, 60)
        told = parse(RunReport(), report.read_bytes())
        expect_equal(told.termination.cause, 5, "5 is DEADLINE", told)
        expect_equal(told.termination.signal, 9, told)
    finally:
        containerd_start()
        space.remove("job")
        remove_fifos()


def check(tap):
    space = Namespace("node-restart")
    before = census()
    tap.check("containerd killed -9 and started: the task is found again, its exit status is right", found_again, space)
    tap.check("a task that ends while containerd is dead: told or cleaned up, no shim stays", ended_meanwhile, space)
    tap.check("a deadline with containerd dead: the whole job is killed on time, the report says so", deadline, space)
    tap.check("restart: nothing is left behind", nothing_left, before)
