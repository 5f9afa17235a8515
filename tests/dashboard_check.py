#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Grafana dashboard through a real Prometheus: scrapes a process that exposes our metrics while it runs plugins, sends
every panel's query to Prometheus as Grafana would, and checks that each is valid, has data, and that its legend names
labels that are there. --draw FILE draws the panels, in the dashboard's own grid, from those answers (python3-matplotlib).

Prometheus listens on loopback only; its data is in a directory that is removed. Exit codes: 0 good, 1 not, 77 skipped."""
import argparse
import json
import math
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOARD = json.loads((ROOT / "deploy/grafana/vortex.json").read_text())
# Of Grafana's units; what an axis of ours writes for them.
UNITS = {"reqps": "per second", "cps": "per second", "s": "seconds", "short": ""}
# As Grafana makes it of a scrape interval of a second: four of them.
RATE_INTERVAL = "4s"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Prometheus:
    def __init__(self, target, directory):
        self.url = "http://127.0.0.1:%d" % free_port()
        config = pathlib.Path(directory) / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: vortex\n  static_configs: [{targets: ['%s']}]\n" % target)
        self.log = open(pathlib.Path(directory) / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=%s" % config, "--storage.tsdb.path=%s/data" % directory,
             "--web.listen-address=" + self.url[7:], "--log.level=warn"], stdout=self.log, stderr=self.log)

    def get(self, path, **params):
        """The answer's data; ValueError with Prometheus' own words when it refuses the query."""
        try:
            with urllib.request.urlopen("%s/api/v1/%s?%s" % (self.url, path, urllib.parse.urlencode(params)), timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error")) from None

    def await_scrapes(self, count, seconds):
        """Polls until that many scrapes of the target are stored."""
        deadline, seen = time.monotonic() + seconds, 0
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                result = self.get("query", query="count_over_time(vortex_build_info[1h])")["result"]
                seen = int(result[0]["value"][1]) if result else 0
            except (OSError, ValueError):
                pass
            if seen >= count:
                return
            time.sleep(0.5)
        raise SystemExit("prometheus: %d of %d scrapes after %d s; %s" % (seen, count, seconds, open(self.log.name).read()[-2000:]))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def legend(template, metric):
    """The series' name, and the labels that the template names and the series does not have."""
    wanted = re.findall(r"\{\{\s*(\w+)\s*\}\}", template)
    name = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: metric.get(m.group(1), ""), template)
    return name, [label for label in wanted if label not in metric]


def shape_problems():
    """What is wrong with the grid itself."""
    taken = {}
    for panel in BOARD["panels"]:
        place, title = panel["gridPos"], panel["title"]
        if place["x"] + place["w"] > 24:
            yield "%s: wider than the board" % title
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    yield "%s: lies over %s" % (title, taken[x, y])
                    return
                taken[x, y] = title
        if panel["fieldConfig"]["defaults"]["unit"] not in UNITS:
            yield "%s: a unit that nobody has looked at" % title
        if not panel.get("description"):
            yield "%s: no description" % title


def ask(prometheus, instance, start, end):
    """{panel id: [(legend, [(time, value)])]}, and the problems."""
    answers, problems = {}, []
    for panel in BOARD["panels"]:
        series = answers.setdefault(panel["id"], [])
        for target in panel["targets"]:
            where = "%s/%s" % (panel["title"], target["refId"])
            query = target["expr"].replace("$__rate_interval", RATE_INTERVAL).replace("$instance", instance)
            if "$" in query:
                problems.append("%s: an unknown variable in %s" % (where, query))
            try:
                result = prometheus.get("query_range", query=query, start=start, end=end, step="1s")["result"]
            except ValueError as error:
                problems.append("%s: %s" % (where, error))
                continue
            finite = 0
            for item in result:
                name, missing = legend(target["legendFormat"], item["metric"])
                if missing:
                    problems.append("%s: the legend names %s, which the series has not" % (where, missing))
                values = [(float(t), float(v)) for t, v in item["values"] if math.isfinite(float(v))]
                finite += len(values)
                if values:
                    series.append((name, values))
            if finite == 0:
                problems.append("%s: no data" % where)
        names = [name for name, _ in series]
        if len(names) != len(set(names)):
            problems.append("%s: two series of one name: %s" % (panel["title"], names))
    return answers, problems


def draw(answers, start, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in BOARD["panels"])
    figure = plt.figure(figsize=(16, height * 0.5), dpi=72)
    grid = figure.add_gridspec(height, 24, left=0.045, right=0.99, top=0.98, bottom=0.03, wspace=4, hspace=0.2)
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        # Two rows of the panel for what Grafana writes below it.
        axes = figure.add_subplot(grid[place["y"]:place["y"] + place["h"] - 2, place["x"]:place["x"] + place["w"]])
        for name, values in answers[panel["id"]]:
            axes.plot([t - start for t, _ in values], [v for _, v in values], label=name, linewidth=1.4, marker=".", markersize=3)
        axes.set_title(panel["title"], loc="left", fontsize=11, fontweight="bold")
        axes.set_ylabel(UNITS[panel["fieldConfig"]["defaults"]["unit"]], fontsize=8)
        axes.set_ylim(0, max(axes.get_ylim()[1] * 1.05, 1e-3))
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
        if answers[panel["id"]]:
            axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.08), ncol=6 if place["w"] > 6 else 3, frameon=False)
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True, help="HOST:PORT that serves our metrics")
    parser.add_argument("--scrapes", type=int, default=30)
    parser.add_argument("--draw")
    args = parser.parse_args()
    problems = list(shape_problems())
    if not shutil.which("prometheus"):
        print("skipped: prometheus is not installed (package prometheus); the board's shape: %s" % (problems or "good"))
        return 1 if problems else 77
    directory = tempfile.mkdtemp(prefix="vortex-dashboard-")
    prometheus = None
    try:
        prometheus = Prometheus(args.target, directory)
        start = time.time()
        prometheus.await_scrapes(args.scrapes, 300)
        # Grafana fills the variable of the board by this call.
        instances = prometheus.get("label/instance/values", **{"match[]": "vortex_build_info"})
        if instances != [args.target]:
            problems.append("the variable instance: %s" % instances)
        answers, found = ask(prometheus, ".*", start, time.time())
        problems += found
        if args.draw:
            draw(answers, start, args.draw)
    finally:
        if prometheus:
            prometheus.stop()
        shutil.rmtree(directory)
    print("dashboard: %d panels, %d queries, %d series" % (
        len(BOARD["panels"]), sum(len(p["targets"]) for p in BOARD["panels"]), sum(len(a) for a in answers.values())))
    for problem in problems:
        print("  " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
