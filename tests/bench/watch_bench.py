#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench watch: what watching for denials costs, on plugins that import most of the standard library, open files of
their own, or do nothing; watched and unwatched in turn. The figure is the run phase alone. Needs root and the
environment of ./dev env. --json FILE writes the figures."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VORTEXCTL = str(ROOT / "build" / "release" / "bin" / "vortexctl")
PLUGINS = ROOT / "tests" / "plugins"
CASES = {
    "nothing": ("echo", "1"),
    "import most of the standard library": ("denial-probe", '[["imports"]]'),
    "open and close a file of its own 2000 times": ("denial-probe", '[["reads", "/plugin/main.py", 2000]]'),
    "20000 sends over its own loopback": ("denial-probe", '[["sends", 20000]]'),
}
KINDS = ["none", "network", "all"]


def run_phase(plugin, payload, runtime_class, watch):
    done = subprocess.run([VORTEXCTL, "--watch", watch, "run", "--plugin", str(PLUGINS / plugin), "--payload", payload,
                           "--runtime-class", runtime_class, "--json"], stdout=subprocess.PIPE, check=False)
    result = json.loads(done.stdout)
    if result["termination"]["cause"] != "ok":
        sys.exit("bench: %s" % json.dumps(result["termination"]))
    phases = {phase["phase"]: phase["usec"] for phase in result["timings"]["phases"]}
    return phases["run"] / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--classes", default="runc,gvisor")
    parser.add_argument("--json")
    args = parser.parse_args()
    figures = []
    print("run phase, median of %d, ms; in brackets the ratio to unwatched" % args.rounds)
    for runtime_class in args.classes.split(","):
        for name, (plugin, payload) in CASES.items():
            samples = {watch: [] for watch in KINDS}
            for _ in range(args.rounds):
                for watch in KINDS:
                    samples[watch].append(run_phase(plugin, payload, runtime_class, watch))
            medians = {watch: statistics.median(values) for watch, values in samples.items()}
            figures.append({"class": runtime_class, "case": name, "ms": medians})
            print("%-7s %-44s" % (runtime_class, name) + "".join(
                "  %s %.1f (%.2f)" % (watch, medians[watch], medians[watch] / medians["none"]) for watch in KINDS))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
