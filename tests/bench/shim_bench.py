#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench shim: containerd-shim-vortex-v2 against containerd's own containerd-shim-runc-v2, alternating in one run on
one private containerd. Prints a table with the bars of our promises, and writes build/bench-shim.json. Needs root."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import shim_driver

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "release" / "bin"
SIDES = {"vortex": str(BIN / "containerd-shim-vortex-v2"), "runc-v2": shutil.which("containerd-shim-runc-v2")}
RUNTIME = {"vortex": "io.containerd.vortex.v2", "runc-v2": "io.containerd.runc.v2"}
GROUP = "io.containerd.runc.v2.group=bench"


def sh(*argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError("%s: exit status %d: %s" % (" ".join(argv), done.returncode, done.stdout))
    return done.stdout


class Account:
    """CPU time of the bench and everything that it starts, containers included: one cgroup above all of them. Programs live
    in its child "work", containers below its child "box" (cgroup v2 wants processes in leaves only). The bench itself is in
    there too: entering between fork and exec would cost each program a fork of Python instead of a vfork."""

    def __init__(self):
        self.name = "vortex-bench-%d" % os.getpid()
        self.v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        self.dir = pathlib.Path("/sys/fs/cgroup" if self.v2 else "/sys/fs/cgroup/cpuacct") / self.name
        (self.dir / "work").mkdir(parents=True)
        (self.dir / "work" / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self):
        if self.v2:
            return int((self.dir / "cpu.stat").read_text().split()[1]) / 1e6
        return int((self.dir / "cpuacct.usage").read_text()) / 1e9

    def box(self, name):
        return "/%s/box/%s" % (self.name, name)

    def remove(self):
        (self.dir.parent / "cgroup.procs").write_text(str(os.getpid()))
        for top in pathlib.Path("/sys/fs/cgroup").glob(self.name), pathlib.Path("/sys/fs/cgroup").glob("*/" + self.name):
            for base in top:
                for path, _, _ in os.walk(base, topdown=False):
                    os.rmdir(path)


class Bench:
    def __init__(self, args):
        self.args = args
        self.figures = {}
        self.account = Account()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="vortex-bench-shim-"))
        self.dir.chmod(0o711)
        self.name_space = self.account.name
        self.rootfs = self.dir / "rootfs"
        self.rootfs.mkdir()
        sh("cc", "-Os", "-static", "-o", str(self.rootfs / "work"), str(ROOT / "tests/integration/shim/payload.c"))
        sh("runc", "spec", cwd=self.dir)
        os.environ["PATH"] = "%s:%s:/usr/sbin:/sbin" % (BIN, os.environ["PATH"])
        self.address = str(self.dir / "c" / "containerd.sock")

    def __enter__(self):
        try:
            sh(str(ROOT / "scripts/private-containerd"), "start", str(self.dir / "c"), str(BIN))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        sh(str(ROOT / "scripts/private-containerd"), "stop", str(self.dir / "c"))
        shutil.rmtree(self.dir, ignore_errors=True)
        for leftover in "/run/containerd/runc/%s" % self.name_space, "/run/containerd/runc/lone-%s" % self.name_space:
            shutil.rmtree(leftover, ignore_errors=True)
        self.account.remove()

    def ctr_argv(self, *words):
        return ["ctr", "-a", self.address, "-n", self.name_space] + list(words)

    def ctr(self, *words):
        return sh(*self.ctr_argv(*words))

    def run_argv(self, side, name, words, flags=()):
        return self.ctr_argv("run", "--runtime", RUNTIME[side], "--null-io", "--cgroup", self.account.box(name), *flags,
                             "--rootfs", str(self.rootfs), name, "/work", *words)

    def shims(self, side):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if self.address.encode() in words and os.path.basename(words[0]).decode() == os.path.basename(SIDES[side]):
                found.append(int(entry.parent.name))
        return found

    def in_two_lanes(self, job, items):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(job, items))

    def containers(self, side, names, flags=()):
        self.in_two_lanes(lambda name: sh(*self.run_argv(side, name, ["sleep", "10000"], ["-d", *flags])), names)

    def remove(self, side, names):
        def one(name):
            self.ctr("task", "rm", "-f", name)
            self.ctr("container", "rm", name)
        self.in_two_lanes(one, names)
        limit = time.monotonic() + 30
        while self.shims(side):
            if time.monotonic() > limit:
                raise RuntimeError("shims are left: %s" % self.shims(side))
            time.sleep(0.05)

    def memory(self):
        """Per shim with 1, 10, … containers, each with a shim of its own, and after execs in the first."""
        counts = sorted({1, min(10, self.args.containers), self.args.containers})
        for side in SIDES:
            names = []
            for count in counts:
                more = ["%s-m%d" % (side, i) for i in range(len(names), count)]
                self.containers(side, more)
                names += more
                time.sleep(1)  # both sides give memory back when they are idle
                self.put("memory_%d" % count, side, memory_of(self.shims(side)))
            first = [pid for pid in self.shims(side) if names[0] in pathlib.Path("/proc/%d/cmdline" % pid).read_text().split("\0")]
            for number in range(self.args.execs):
                self.ctr("task", "exec", "--exec-id", "e%d" % number, names[0], "/work", "true")
            time.sleep(1)
            self.put("memory_after_execs", side, memory_of(first))
            self.remove(side, names)

    def group(self):
        """All containers in one shim."""
        for side in SIDES:
            names = ["%s-g%d" % (side, i) for i in range(self.args.containers)]
            begin, cpu = time.monotonic(), self.account.seconds()
            self.containers(side, names, ["--annotation", GROUP])
            figures = {"start_all_s": time.monotonic() - begin, "start_all_cpu_s": self.account.seconds() - cpu}
            shims = self.shims(side)
            figures.update(memory_of(shims), shims=len(shims), fds=len(os.listdir("/proc/%d/fd" % shims[0])))
            begin = time.monotonic()
            self.remove(side, names)
            figures["remove_all_s"] = time.monotonic() - begin
            self.put("group", side, figures)

    def bundle(self, name, args):
        """A bundle for a shim without containerd."""
        bundle = self.dir / "bundles" / name
        bundle.mkdir(parents=True, mode=0o700)
        spec = json.loads((self.dir / "config.json").read_text())
        spec["process"].update(terminal=False, args=["/work"] + args)
        spec["root"] = {"path": str(self.rootfs), "readonly": True}
        spec["linux"]["cgroupsPath"] = self.account.box(name)
        (bundle / "config.json").write_text(json.dumps(spec))
        return bundle

    def one_life(self, side, number):
        """{step: (wall s, CPU s)}; the CPU is that of all programs of the step, what goes on after its answer included."""
        bundle = self.bundle("%s-l%d" % (side, number), ["true"])
        shim = shim_driver.LoneShim(SIDES[side], bundle, "lone-" + self.name_space, self.address)
        who = {1: bundle.name}
        steps = {}
        start_process = []
        for name, step in (("start", lambda: start_process.append(shim.start())), ("connect", shim.pid), ("Create", shim.create),
                           ("Start", lambda: shim.peer.call("Start", who)), ("exit", lambda: shim.peer.call("Wait", who)),
                           ("Delete", lambda: shim.peer.call("Delete", who)), ("Shutdown", shim.end), ("delete", shim.delete)):
            cpu, begin = self.account.seconds(), time.monotonic()
            step()
            wall = time.monotonic() - begin
            steps[name] = (wall, self.account.seconds() - cpu)
        steps["start process"] = start_process[0]
        steps["life"] = tuple(sum(steps[name][i] for name in steps if name != "start process") for i in (0, 1))
        shutil.rmtree(bundle)
        return steps

    def lives(self):
        collected = {side: {} for side in SIDES}
        for number in range(-1, self.args.rounds):
            for side in SIDES:
                for name, figures in self.one_life(side, number + 1).items():
                    if number >= 0:  # the first pair warms the caches
                        collected[side].setdefault(name, []).append(figures)
        for side in SIDES:
            self.put("steps_ms", side, {name: {"wall": 1e3 * statistics.median(w for w, _ in list_), "cpu": 1e3 * statistics.median(
                c for _, c in list_)} for name, list_ in collected[side].items()})

    def cold(self):
        """`ctr run --rm` of a no-op; ctr and containerd cost both sides the same."""
        collected = {side: [] for side in SIDES}
        for number in range(-1, self.args.rounds):
            for side in SIDES:
                cpu, begin = self.account.seconds(), time.monotonic()
                process = subprocess.Popen(self.run_argv(side, "%s-r%d" % (side, number + 1), ["true"], ["--rm"]))
                _, status, usage = os.wait4(process.pid, 0)
                wall = time.monotonic() - begin
                process.returncode = os.waitstatus_to_exitcode(status)
                if process.returncode != 0:
                    raise RuntimeError("ctr run: exit status %d" % process.returncode)
                while self.shims(side):
                    time.sleep(0.005)
                if number >= 0:
                    collected[side].append((wall, usage.ru_utime + usage.ru_stime, self.account.seconds() - cpu))
        for side in SIDES:
            wall, ctr_cpu, all_cpu = (1e3 * statistics.median(run[i] for run in collected[side]) for i in range(3))
            self.put("cold_ms", side, {"wall": wall, "wall_min": 1e3 * min(run[0] for run in collected[side]), "ctr_cpu": ctr_cpu,
                                       "all_cpu": all_cpu})

    def executions(self):
        """Programs that containerd and all below it execute for one `ctr run --rm`."""
        if not shutil.which("strace"):
            return
        daemon = int((self.dir / "c" / "containerd.pid").read_text())
        for side in SIDES:
            trace = self.dir / ("trace-" + side)
            tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", str(trace), "-p",
                                       str(daemon)])
            while "TracerPid:\t0" in pathlib.Path("/proc/%d/status" % daemon).read_text():
                time.sleep(0.02)
            sh(*self.run_argv(side, side + "-x", ["true"], ["--rm"]))
            while self.shims(side):
                time.sleep(0.02)
            time.sleep(0.5)  # containerd runs `delete` after ctr has its answer
            tracer.terminate()
            tracer.wait()
            lines = [line for line in trace.read_text().splitlines() if line.endswith(" = 0")]
            self.put("executions", side, {"count": len(lines)})

    def drain(self, argv):
        """(wall s, CPU s of everything) of a program that must print all of the bytes."""
        cpu, begin = self.account.seconds(), time.monotonic()
        left = self.args.mib << 20
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as writer, open("/dev/null", "wb") as null:
            while count := os.splice(writer.stdout.fileno(), null.fileno(), 1 << 20):
                left -= count
        if left != 0:
            raise RuntimeError("%s: %d bytes are missing" % (" ".join(argv), left))
        return time.monotonic() - begin, self.account.seconds() - cpu

    def throughput(self):
        """stdout of a container's first process (with its start and end) and of an exec, through to ctr."""
        words = ["print", str(self.args.mib << 20)]
        for side in SIDES:
            name = side + "-t"
            wall, cpu = self.drain([word for word in self.run_argv(side, name, words, ["--rm"]) if word != "--null-io"])
            self.put("throughput_run", side, {"mib_per_s": self.args.mib / wall, "all_cpu_s": cpu})
            self.containers(side, [name])
            shim = self.shims(side)[0]
            own = cpu_of(shim)
            wall, cpu = self.drain(self.ctr_argv("task", "exec", "--exec-id", "e", name, "/work", *words))
            self.put("throughput_exec", side, {"mib_per_s": self.args.mib / wall, "shim_cpu_ms": 1e3 * (cpu_of(shim) - own),
                                               "all_cpu_s": cpu})
            self.remove(side, [name])

    def soak(self, count):
        """Execs one after the other in one shim of ours, through a runtime that only makes a process."""
        fake = self.dir / "fake" / "runc"
        fake.parent.mkdir()
        sh("cc", "-Os", "-static", "-o", str(fake), str(ROOT / "tests/bench/fake_runtime.c"))
        bundle = self.bundle("soak", ["sleep", "100000"])
        shim = shim_driver.LoneShim(SIDES["vortex"], bundle, "lone-" + self.name_space, self.address,
                                    path="%s:%s" % (fake.parent, os.environ["PATH"]))
        shim.start()
        pid = shim.pid()
        shim.create()
        shim.peer.call("Start", {1: "soak"})
        rows = []
        for number in range(count + 1):
            if number in (1000, count) or number % max(1, count // 10) == 0:
                time.sleep(0.7)  # past the shim's own trim
                rows.append({"execs": number, "fds": len(os.listdir("/proc/%d/fd" % pid)), **memory_of([pid])})
                print("soak: %(execs)7d execs   fds %(fds)3d   private %(private_kb)5.0f kB   RSS %(rss_kb)5.0f kB" % rows[-1], flush=True)
            if number < count:
                shim.run_exec("e%d" % number, '{"args":["/bin/true"]}')
        shim.peer.call("Kill", {1: "soak", 3: 9})
        shim.peer.call("Wait", {1: "soak"})
        shim.peer.call("Delete", {1: "soak"})
        shim.end()
        self.figures["soak"] = rows
        early = next(row for row in rows if row["execs"] >= min(1000, count))
        grown = rows[-1]["private_kb"] - early["private_kb"]
        print("soak: private memory grew by %.0f kB, fds by %d" % (grown, rows[-1]["fds"] - early["fds"]))
        return grown <= 32 and rows[-1]["fds"] == early["fds"]

    def put(self, figure, side, values):
        self.figures.setdefault(figure, {})[side] = values
        print("… %s, %s" % (figure, side), file=sys.stderr)


def proc_kb(pid, file, key):
    for line in pathlib.Path("/proc/%d/%s" % (pid, file)).read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def memory_of(pids):
    """Means per shim, and the threads of the one that has most."""
    mean = lambda file, key: sum(proc_kb(pid, file, key) for pid in pids) / len(pids)
    return {"rss_kb": mean("status", "VmRSS"), "pss_kb": mean("smaps_rollup", "Pss"), "private_kb": mean("status", "RssAnon"),
            "threads": max(proc_kb(pid, "status", "Threads") for pid in pids)}


def cpu_of(pid):
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path("/proc/%d/task" % pid).glob("*/schedstat")) / 1e9


class Table:
    """Prints, and collects which bars are met."""

    def __init__(self):
        self.bars = []

    def head(self, title):
        print("\n%-46s %10s %10s %7s" % (title, "vortex", "runc-v2", "ratio"))

    def row(self, name, ours, theirs, form="%.0f", bar=None, value=None):
        """`value` (ours unless told) is held against `bar`."""
        line = "  %-44s %10s %10s %7s" % (name, form % ours, form % theirs, "%.2f" % (ours / theirs) if theirs else "-")
        if bar is not None:
            value = ours if value is None else value
            met = value <= bar
            self.bars.append({"what": name, "value": value, "bar": bar, "met": met})
            line += "   bar %.3g: %s" % (bar, "met" if met else "MISSED (%.3g)" % value)
        print(line)


def report(figures):
    table = Table()
    pair = lambda figure, key: [figures[figure][side][key] for side in SIDES]
    for figure in [name for name in figures if name.startswith("memory_")]:
        count = figure.rpartition("_")[2]
        table.head("memory per shim, %s" % ("after execs" if count == "execs" else "%s container%s" % (count, "s" * (count != "1"))))
        table.row("RSS (kB)", *pair(figure, "rss_kb"), bar=2048)
        ours, theirs = pair(figure, "pss_kb")
        table.row("PSS (kB), against 1/15 of theirs", ours, theirs, bar=1 / 15, value=ours / theirs)
        table.row("private, RssAnon (kB)", *pair(figure, "private_kb"), bar=256)
        table.row("threads", *pair(figure, "threads"), bar=1)
    if "steps_ms" in figures:
        ours, theirs = (figures["steps_ms"][side] for side in SIDES)
        for kind in "cpu", "wall":
            table.head("%s per step (ms, median)" % ("CPU of all programs" if kind == "cpu" else "wall"))
            for step in ours:
                table.row(step, ours[step][kind], theirs[step][kind], "%.2f",
                          bar=5 if (step, kind) == ("start process", "cpu") else None)
    if "cold_ms" in figures:
        table.head("ctr run --rm of a no-op (ms, median)")
        ours, theirs = pair("cold_ms", "wall")
        table.row("wall, against 0.6 of theirs", ours, theirs, "%.1f", bar=0.6, value=ours / theirs)
        table.row("wall, best", *pair("cold_ms", "wall_min"), "%.1f")
        table.row("CPU of ctr alone", *pair("cold_ms", "ctr_cpu"), "%.1f")
        table.row("CPU of all programs", *pair("cold_ms", "all_cpu"), "%.1f")
    if "executions" in figures:
        table.row("program executions", *pair("executions", "count"), bar=7)
    if "throughput_run" in figures:
        table.head("through stdout of a first process")
        table.row("MiB/s", *pair("throughput_run", "mib_per_s"))
        table.row("CPU of all programs (s)", *pair("throughput_run", "all_cpu_s"), "%.2f")
        table.head("through stdout of an exec")
        table.row("MiB/s", *pair("throughput_exec", "mib_per_s"))
        table.row("CPU of the shim (ms)", *pair("throughput_exec", "shim_cpu_ms"), "%.1f")
        table.row("CPU of all programs (s)", *pair("throughput_exec", "all_cpu_s"), "%.2f")
    if "group" in figures:
        table.head("all containers in one group")
        for key in "shims", "rss_kb", "pss_kb", "private_kb", "threads", "fds":
            table.row(key, *pair("group", key))
        for key in "start_all_s", "start_all_cpu_s", "remove_all_s":
            table.row(key, *pair("group", key), "%.2f")
    return table.bars


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="lives and cold runs of each side")
    parser.add_argument("--containers", type=int, default=100, help="the most containers at once")
    parser.add_argument("--execs", type=int, default=100)
    parser.add_argument("--mib", type=int, default=1024, help="through stdout")
    parser.add_argument("--only", action="append", choices=["memory", "lives", "cold", "executions", "throughput", "group"])
    parser.add_argument("--soak", type=int, metavar="EXECS", help="only this: execs in one shim of ours, whose memory must not grow")
    parser.add_argument("--json", default=str(ROOT / "build" / "bench-shim.json"))
    args = parser.parse_args()
    if not SIDES["runc-v2"]:
        sys.exit("shim_bench: containerd-shim-runc-v2 is not installed")
    with Bench(args) as bench:
        if args.soak:
            ok = bench.soak(args.soak)
        else:
            for part in args.only or ["lives", "cold", "executions", "throughput", "memory", "group"]:
                getattr(bench, part)()
            bench.figures["bars"] = report(bench.figures)
            ok = True
    bench.figures["arguments"] = vars(args)
    pathlib.Path(args.json).write_text(json.dumps(bench.figures, indent=2) + "\n")
    print("\nwritten to %s" % args.json)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
