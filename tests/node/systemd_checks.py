# SPDX-License-Identifier: Apache-2.0
"""The systemd cgroup driver: each container is a scope of systemd's own."""
import pathlib

from node import Events, Namespace, census, fact, nothing_left, run, wait_for
from tap import expect, expect_equal


def life(space, scope_of):
    scope = scope_of("life")
    try:
        output = space.run("life", "/work", "sleep", "100000",
                           flags=["-d", "--memory-limit", "100000000", "--cgroup", f"system.slice:{space.name}:life"])
        expect_equal(output.code, 0, output)
        expect_equal(run("systemctl", "is-active", scope).out.strip(), "active", scope)
        directory = pathlib.Path("/sys/fs/cgroup/system.slice") / scope
        pid = space.tasks()["life"][0]
        # crun puts it one level below.
        expect(scope in fact(f"/proc/{pid}/cgroup"), fact(f"/proc/{pid}/cgroup"))
        expect_equal(fact(directory / "memory.max"), str(100000000 // 4096 * 4096))
        expect_equal(space.ctr("task", "exec", "--exec-id", "e", "life", "/work", "exit", "5").code, 5)
        space.must("task", "pause", "life")
        expect_equal(space.state("life"), "PAUSED")
        space.must("task", "resume", "life")
        told = space.must("task", "metrics", "--format", "json", "life")
        expect("memory" in told and "99999744" in told, told)
        space.must("task", "kill", "life")
        wait_for("SIGTERM ends it", lambda: space.state("life") == "STOPPED")
        output = space.ctr("task", "rm", "life")
        expect("code 9" in output.out + output.err or output.code == 9, output)
        wait_for("the scope is gone", lambda: run("systemctl", "is-active", scope).out.strip() == "inactive", 60)
    finally:
        space.remove("life")
        run("systemctl", "stop", scope)


def out_of_memory(space, scope_of):
    # More than once: systemd takes the cgroup, and with it the evidence, away in a moment.
    names = ["greedy-1", "greedy-2", "greedy-3", "greedy-4"]
    with Events(space.name) as events:
        for name in names:
            output = space.run(name, "/work", "memory", "100", flags=[
                "--rm", "--memory-limit", "20000000", "--cgroup", f"system.slice:{space.name}:{name}"])
            expect_equal(output.code, 137, output)
            # systemd keeps a failed scope until it is told.
            run("systemctl", "reset-failed", scope_of(name))
        wait_for("the last exit is told", lambda: events.has("/tasks/exit", names[-1]), 60)
        missed = [name for name in names if not events.has("/tasks/oom", name)]
        expect(not missed, f"no event /tasks/oom for {missed}", events.text())


def check(tap):
    for runtime in ("runc", "crun"):
        space = Namespace(f"node-systemd-{runtime}", f'binary_name = "{runtime}"\nSystemdCgroup = true\n')

        def scope_of(name, space=space):
            return f"{space.name}-{name}.scope"
        before = census()
        tap.check(f"systemd, {runtime}: a scope in a slice; limits, exec, pause, metrics, kill, delete", life, space,
                  scope_of)
        tap.check(f"systemd, {runtime}: memory limit: killed, and an oom event", out_of_memory, space, scope_of)
        tap.check(f"systemd, {runtime}: nothing is left behind", nothing_left, before)
