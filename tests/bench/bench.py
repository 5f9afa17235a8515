#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: a cold `vortexctl run` of a no-op against `ctr run --rm` of the same image and command, alternating in one
run on one containerd. Prints a table, and writes JSON with --json FILE. Needs root and the environment of ./dev env."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "tests" / "plugins" / "echo"
ADDRESS = os.environ["VORTEX_CONTAINERD_ADDRESS"]
IMAGE = os.environ["VORTEX_IMAGE"]
VORTEXCTL = str(ROOT / "build" / "release" / "bin" / "vortexctl")
CTR = ["ctr", "--address", ADDRESS, "--namespace", "vortex"]


def measured(argv):
    """(wall s, cpu s of the client process, peak rss KiB, output) of one command that must succeed."""
    start = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("bench: %s: exit status %d: %s" % (" ".join(argv), process.returncode, errors.decode()))
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, output


def vortex_argv():
    return [VORTEXCTL, "run", "--plugin", str(PLUGIN), "--payload", "1", "--json"]


def ctr_argv(number):
    # The same image and interpreter, importing what the harness imports; ctr has no way to hand over a payload.
    return CTR + ["run", "--rm", "--read-only", "--null-io", IMAGE, "bench-ctr-%d-%d" % (os.getpid(), number),
                  "/usr/bin/python3", "-I", "-S", "-B", "-c", "import _json, fcntl, os, sys"]


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(values):
    return {"median": statistics.median(values), "p99": quantile(values, 0.99), "n": len(values)}


def alternating(rounds):
    """Both sides in turn, so that what else the machine does hits both."""
    sides = {"vortexctl": [], "ctr": []}
    phases = {}
    for number in range(rounds):
        wall, cpu, rss, output = measured(vortex_argv())
        sides["vortexctl"].append((wall, cpu, rss))
        for phase in json.loads(output)["timings"]["phases"]:
            phases.setdefault(phase["phase"], []).append(phase["usec"] / 1000)
        sides["ctr"].append(measured(ctr_argv(number))[:3])
    return sides, {name: statistics.median(values) for name, values in phases.items()}


def parallel(count):
    """Wall time until `count` runs that start at once have ended, for each side."""
    result = {}
    for name, make in (("vortexctl", lambda i: vortex_argv()), ("ctr", lambda i: ctr_argv(10_000 + count * 100 + i))):
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda i: measured(make(i)), range(count)))
        result[name] = time.monotonic() - start
    return result


class IdleContainers:
    """Containers of somebody else, created and not started: metadata that every listing has to walk."""

    def __init__(self, count):
        self.names = ["bench-idle-%d" % i for i in range(count)]

    def __enter__(self):
        for name in self.names:
            subprocess.run(CTR + ["containers", "create", IMAGE, name], check=True, capture_output=True)

    def __exit__(self, *unused):
        if self.names:
            subprocess.run(CTR + ["containers", "rm"] + self.names, check=True, capture_output=True)


def print_sides(title, sides):
    walls = {name: [run[0] for run in runs] for name, runs in sides.items()}
    cpus = {name: [run[1] for run in runs] for name, runs in sides.items()}
    print("%s (%d runs each)" % (title, len(walls["ctr"])))
    for name in walls:
        wall, cpu = summary(walls[name]), summary(cpus[name])
        print("  %-10s wall %6.1f ms (p99 %6.1f)   client cpu %5.1f ms   client peak RSS %5.1f MB" % (
            name, wall["median"] * 1e3, wall["p99"] * 1e3, cpu["median"] * 1e3,
            max(run[2] for run in sides[name]) * 1024 / 1e6))
    wall_ratio = summary(walls["vortexctl"])["median"] / summary(walls["ctr"])["median"]
    cpu_ratio = summary(cpus["vortexctl"])["median"] / summary(cpus["ctr"])["median"]
    print("  ratio      wall %.2f   client cpu %.2f" % (wall_ratio, cpu_ratio))
    return {"wall_ratio": wall_ratio, "cpu_ratio": cpu_ratio,
            **{name: {"wall_s": summary(walls[name]), "cpu_s": summary(cpus[name]),
                      "rss_kib": max(run[2] for run in sides[name])} for name in walls}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--idle", type=int, default=200, help="idle containers of the second pass")
    parser.add_argument("--json", help="write the figures to this file")
    args = parser.parse_args()
    measured(vortex_argv())
    measured(ctr_argv(99_999))

    sides, phases = alternating(args.rounds)
    figures = {"cold": print_sides("cold run, no other containers", sides), "phases_ms": phases}
    print("  phases     " + "  ".join("%s %.1f" % item for item in phases.items()))
    with IdleContainers(args.idle):
        sides, _ = alternating(max(5, args.rounds // 2))
        figures["cold_idle"] = print_sides("cold run, %d idle containers" % args.idle, sides)
    figures["parallel_s"] = {}
    for count in (1, 10, 50):
        walls = parallel(count)
        figures["parallel_s"][count] = walls
        print("%2d at once   vortexctl %.2f s   ctr %.2f s   ratio %.2f" % (
            count, walls["vortexctl"], walls["ctr"], walls["vortexctl"] / walls["ctr"]))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
