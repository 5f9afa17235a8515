# SPDX-License-Identifier: Apache-2.0
"""Each of `ctr`'s flows with our shim, under each OCI runtime."""
import json

from node import WORK, ROOTFS, Events, Namespace, alive, census, must, nothing_left, on_terminal, run, wait_for
from runsc_panic import retried
from tap import Failed, Skip, expect, expect_equal

OPTIONS = {
    "runc": 'binary_name = "runc"\n',
    "crun": 'binary_name = "crun"\n',
    "runsc": 'binary_name = "runsc"\n[runsc_config]\n  platform = "systrap"\n',
}


def both_streams(space):
    output = space.run("streams", "/work", "both", flags=["--rm"])
    expect(output.code == 0 and "to stdout\n" in output.out and "to stderr\n" in output.err, output)


def exit_codes(space):
    for code in (0, 7, 137):
        output = space.run(f"exit-{code}", "/work", "exit", str(code), flags=["--rm"])
        expect_equal(output.code, code, output)


def input_passes(space):
    # More than a pipe holds.
    output = space.run("input", "/work", "cat", flags=["--rm"], stdin=b"x" * 200000)
    expect(output.code == 0 and len(output.out) == 200000, output.code, len(output.out), output.err)


def detached(space):
    """run -d, exec, pause, resume, metrics, ps, kill, delete: one task's life."""
    with Events(space.name) as events:
        try:
            life(space)
        except Failed as failed:
            raise Failed(f"{failed}\n{events.text()}") from failed
        finally:
            space.remove("life")


def life(space):
    output = space.run("life", "/work", "sleep", "100000", flags=["-d"])
    expect_equal(output.code, 0, output)
    expect_equal(space.state("life"), "RUNNING")
    expect_equal(len(space.shims()), 1, space.shims())
    output = space.ctr("task", "exec", "--exec-id", "e1", "life", "/work", "exit", "5")
    expect_equal(output.code, 5, output)
    output = space.ctr("task", "exec", "--exec-id", "e2", "life", "/work", "both")
    expect(output.code == 0 and "to stdout\n" in output.out and "to stderr\n" in output.err, output)
    space.must("task", "pause", "life")
    expect_equal(space.state("life"), "PAUSED")
    space.must("task", "resume", "life")
    expect_equal(space.state("life"), "RUNNING")
    processes = space.must("task", "ps", "life")
    expect(str(space.tasks()["life"][0]) in processes, processes, space.tasks())
    space.must("task", "kill", "life")
    wait_for("SIGTERM ends it", lambda: space.state("life") == "STOPPED")
    # ctr says so on one of its streams, by version.
    output = space.ctr("task", "rm", "life")
    expect("code 9" in output.out + output.err or output.code == 9, output)
    expect_equal(space.shims(), {})
    space.must("container", "rm", "life")


def metrics(space):
    try:
        output = space.run("metrics", "/work", "sleep", "100000", flags=["-d", "--memory-limit", "150000000"])
        expect_equal(output.code, 0, output)
        told = json.loads(space.must("task", "metrics", "--format", "json", "metrics"))
        text = json.dumps(told)
        # The v2 type, with the limit as it is in force, in whole pages.
        memory = told.get("memory") or {}
        limit = int(memory.get("usage_limit") or memory.get("usageLimit") or 0)
        expect(140000000 < limit <= 150000000, "usage_limit of the v2 metrics", text)
        expect(int(memory.get("usage", 0)) > 0, text)
        expect("pids" in told, text)
    finally:
        space.remove("metrics")


def kill_all(space):
    """SIGKILL takes the child that left the session along."""
    try:
        output = space.run("stays", "/work", "stay", flags=["-d"])
        expect_equal(output.code, 0, output)
        pid = space.tasks()["stays"][0]
        space.must("task", "kill", "-s", "SIGKILL", "stays")
        wait_for("SIGKILL ends it", lambda: space.state("stays") == "STOPPED")
        expect(not alive(pid), pid)
        output = space.ctr("task", "rm", "stays")
        expect("137" in output.out + output.err or output.code == 137, output)
    finally:
        space.remove("stays")


def out_of_memory(space):
    # The sentry of gVisor needs memory of its own.
    limit, wanted = ("120000000", "400") if space.runtime == "runsc" else ("20000000", "100")
    with Events(space.name) as events:
        output = space.run("greedy", "/work", "memory", wanted, flags=["--rm", "--memory-limit", limit])
        wait_for("an event /tasks/oom for it", lambda: events.has("/tasks/oom", "greedy"), 60)
        expect(events.has("/tasks/exit", "greedy"), events.text())
    if space.runtime == "runsc":
        expect(output.code != 0, output)
    else:
        expect_equal(output.code, 137, output)


def spec_of(space, name, *words):
    """The default spec with our program and room for changes; for what ctr has no flag for."""
    spec = json.loads(must("ctr", "oci", "spec"))
    spec["process"]["args"] = list(words)
    spec["process"]["terminal"] = False
    spec["root"] = {"path": str(ROOTFS)}
    spec["linux"]["cgroupsPath"] = f"/{space.name}/{name}"
    return spec


def run_spec(space, name, spec, *flags):
    path = WORK / f"{name}.json"
    path.write_text(json.dumps(spec))
    return run(*space.command("run", *space.flags, *flags, "--config", str(path), name))


def pids_limit(space):
    if space.runtime == "runsc":
        raise Skip("runsc's own threads count against pids.max of the sandbox")
    spec = spec_of(space, "forks", "/forks", "50")
    spec["linux"].setdefault("resources", {})["pids"] = {"limit": 10}
    try:
        output = run_spec(space, "forks", spec, "--rm")
        expect(output.code == 0 and "children 9 of 50" in output.out, output)
    finally:
        space.remove("forks")


def terminal(space):
    output = on_terminal(*space.run_command("tty", "/work", "tty", flags=["--rm", "-t"]))
    expect(output.code == 0 and "tty 1\r" in output.out, output)


def not_found(space):
    try:
        output = space.run("absent", "/no-such-program", flags=["--rm"])
        expect(output.code != 0 and "no-such-program" in output.err, output)
        if space.runtime == "runsc":
            # It is seen at Start: the task is there, and ctr before 2.0 leaves it to us.
            if space.tasks():
                space.must("task", "rm", "-f", "absent")
        expect_equal(space.tasks(), {}, output)
        wait_for("the shim ends", lambda: not space.shims(), 60)
    finally:
        space.remove("absent")


FLOWS = [
    ("run: both streams", both_streams),
    ("run: exit codes 0, 7, 137", exit_codes),
    ("run: 200000 bytes of input pass", input_passes),
    ("run -d, exec, pause, resume, ps, kill, delete", detached),
    ("metrics are those of cgroup v2, with the limit", metrics),
    ("SIGKILL reaches a child that called setsid", kill_all),
    ("memory limit: killed, and an oom event", out_of_memory),
    ("pids limit: the tenth process is refused", pids_limit),
    ("run -t: a terminal on all three", terminal),
    ("a program that is not there: said by name, nothing made", not_found),
]


def check(tap, runtime):
    space = Namespace(f"node-{runtime}", OPTIONS[runtime])
    space.runtime = runtime
    before = census()
    for what, flow in FLOWS:
        if runtime == "runsc":
            tap.check(f"{runtime}: {what}", retried, flow, space)
        else:
            tap.check(f"{runtime}: {what}", flow, space)
    tap.check(f"{runtime}: nothing is left behind", nothing_left, before)
