# SPDX-License-Identifier: Apache-2.0
"""What the checks share: commands, containerd, and what is left behind on the node."""
import collections
import os
import pathlib
import re
import select
import subprocess
import time

from tap import Failed, expect

PAYLOAD = pathlib.Path("/vortex")
# Not below /run: that is mounted noexec.
WORK = pathlib.Path("/var/lib/vortex-node")
ROOTFS = WORK / "rootfs"
RUNTIME = "io.containerd.vortex.v2"
SHIM = "/usr/local/bin/containerd-shim-vortex-v2"
# Seconds. Under emulation everything takes 15 to 25 times as long; only what hangs gets here.
PATIENCE = 240

Output = collections.namedtuple("Output", "code out err")


def run(*argv, stdin=b"", seconds=PATIENCE, env=None):
    """A command to its end, both streams as text."""
    environment = dict(os.environ, **(env or {}))
    try:
        done = subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, timeout=seconds,
                              env=environment, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{argv}: not done after {seconds} s\n{late.stdout}\n{late.stderr}") from late
    return Output(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def must(*argv, **how):
    output = run(*argv, **how)
    expect(output.code == 0, f"{' '.join(map(str, argv))}: exit code {output.code}", output.out, output.err)
    return output.out


def on_terminal(*argv, seconds=PATIENCE):
    """A command with a terminal of its own; stderr is in out."""
    master, slave = os.openpty()
    # Not pty.fork(): with a channel open, gRPC may hold up a fork for ever.
    child = subprocess.Popen(["setsid", "--ctty", *map(str, argv)], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(master, 4096)
        except OSError:  # EIO: nobody has it open any more
            break
        if not chunk:
            break
        text += chunk
    else:
        child.kill()
    os.close(master)
    return Output(child.wait(), text.decode(errors="replace"), "")


def wait_for(what, condition, seconds=PATIENCE):
    """Asks until the condition holds; what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.5)


class Namespace:
    """`ctr` in one containerd namespace, with one runtime behind our shim."""

    def __init__(self, name, options=None):
        self.name, self.flags = name, ["--runtime", RUNTIME]
        if options:
            path = WORK / f"{name}.toml"
            path.write_text(options)
            self.flags += ["--runtime-config-path", str(path)]

    def command(self, *words):
        return ["ctr", "-n", self.name, *words]

    def ctr(self, *words, **how):
        return run(*self.command(*words), **how)

    def must(self, *words, **how):
        return must(*self.command(*words), **how)

    def run(self, name, *words, flags=(), **how):
        """ctr run of a program of ROOTFS; the program is words[0]."""
        return run(*self.run_command(name, *words, flags=flags), **how)

    def run_command(self, name, *words, flags=()):
        return self.command("run", *self.flags, *flags, "--rootfs", str(ROOTFS), name, *words)

    def tasks(self):
        """{id: (pid, state)}"""
        rows = [line.split() for line in self.must("task", "ls").splitlines()[1:]]
        return {row[0]: (int(row[1]), row[2]) for row in rows}

    def state(self, name):
        return self.tasks().get(name, (0, "none"))[1]

    def shims(self):
        return shims(f"-namespace {self.name} ")

    def remove(self, name):
        """Whatever a failed check may have left."""
        self.ctr("task", "kill", "-s", "SIGKILL", "-a", name)
        self.ctr("task", "rm", "-f", name)
        self.ctr("container", "rm", name)


class Events:
    """What containerd tells while the body runs: a list of (topic, text)."""

    def __init__(self, name_space):
        self.name_space = name_space

    def __enter__(self):
        self.path = WORK / "events"
        with open(self.path, "w", encoding="utf-8") as sink:
            self.process = subprocess.Popen(["ctr", "-n", self.name_space, "events"], stdout=sink, stderr=sink)
        # It subscribes at an unknown time: it has when it tells what is made now.
        made = 0

        def heard():
            nonlocal made
            made += 1
            run("ctr", "-n", self.name_space, "namespaces", "label", self.name_space, f"heard={made}")
            return self.path.stat().st_size > 0
        wait_for("ctr events tells of a label", heard)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def text(self):
        return self.path.read_text()

    def has(self, topic, name):
        return any(topic in line and name in line for line in self.text().splitlines())


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def shims(mark=""):
    """{pid: command line} of the serving shims."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            line = command_line(entry.name)
            if "containerd-shim-vortex-v2" in line.split(" ")[0] and mark in line:
                found[int(entry.name)] = line
    return found


def containerd_answers():
    return run("ctr", "--timeout", "30s", "version").code == 0


def containerd_start():
    run("systemctl", "reset-failed", "containerd")
    must("systemctl", "start", "containerd")
    wait_for("containerd answers", containerd_answers)


def containerd_kill():
    """kill -9 of the daemon alone. The drop-in of prepare() keeps systemd from starting it again."""
    must("systemctl", "kill", "--kill-whom=main", "-s", "KILL", "containerd")
    wait_for("containerd is dead", lambda: run("systemctl", "is-active", "containerd").out.strip() == "failed")


def version_of(*argv):
    output = run(*argv)
    return (output.out + output.err).strip().splitlines()[0]


def major():
    """Of containerd."""
    match = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)", version_of("containerd", "--version"))
    return int(match.group(1))


# ---- what is left behind ----

# Directories that hold one entry a container, a task or a stream.
LISTED = ["/run/containerd/s", "/run/containerd/fifo", "/run/containerd/io.containerd.runtime.v2.task/*",
          "/run/containerd/io.containerd.grpc.v1.cri/*", "/run/containerd/io.containerd.sandbox.controller.v1.shim/*",
          "/run/containerd/runc/*", "/run/containerd/crun/*", "/run/containerd/runsc/*", "/run/crun", "/run/runsc", "/run/runc",
          "/var/lib/containerd/io.containerd.runtime.v2.task/*", "/run/vortex/runs", "/run/vortex/runtime/*/*", "/run/netns"]


def cgroups():
    """All but those of systemd's own units. A containerd namespace leaves a directory of its name, under every shim."""
    found = set()
    for directory, names, _ in os.walk("/sys/fs/cgroup"):
        for name in names:
            path = os.path.join(directory, name)
            if not re.search(r"\.(service|socket|mount|swap)(/|$)", path) and not is_namespace(path):
                found.add(path)
    return found


def is_namespace(path):
    name = path.removeprefix("/sys/fs/cgroup/")
    return name in ("k8s.io", "vortex") or re.fullmatch(r"node-[a-z-]+", name)


def is_shared(name):
    """Locks, and what crun keeps for all its containers."""
    return name.endswith(".lock") or name in (".empty-directory", ".cache")


def census():
    things = {f"cgroup {path}" for path in cgroups()}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        things.add("mount " + line.split()[4])
    for pattern in LISTED:
        for directory in pathlib.Path("/").glob(pattern.lstrip("/")):
            if directory.is_dir():
                things.update(f"entry {entry}" for entry in directory.iterdir() if not is_shared(entry.name))
    things.update(f"process {line}" for line in shims().values())
    for name in ("runc", "crun", "runsc", "runsc-sandbox", "runsc-gofer", "work", "forks", "pause"):
        things.update(f"process {name} {pid}" for pid in run("pidof", name).out.split())
    return things


def nothing_left(before):
    """Waits: an unmount or a shim's end may come a moment after the answer."""
    left = []

    def gone():
        left[:] = sorted(census() - before)
        return not left
    try:
        wait_for("nothing is left", gone, 60)
    except Failed:
        raise Failed("left behind:\n" + "\n".join(left)) from None


def fact(path):
    """The text of a file of the kernel, or why not."""
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError as error:
        return str(error)
