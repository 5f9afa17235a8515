#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/: alert rules by promtool and its unit tests; every metric that a rule or a dashboard panel names is one that
src/sandbox/metrics.cc has."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"


def known_metrics():
    return set(re.findall(r'"(vortex_[a-z_]+)"', (ROOT / "src/sandbox/metrics.cc").read_text()))


def unknown(text):
    names = set(re.findall(r"\bvortex_[a-z_]+", text)) - {"vortex_"}
    return {name for name in names if re.sub(r"_(bucket|sum|count)$", "", name) not in known_metrics() and name not in known_metrics()}


def main():
    board = json.loads((ROOT / "deploy/grafana/vortex.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    rules = (PROMETHEUS / "vortex-alerts.yaml").read_text()
    wrong = unknown("\n".join(queries) + rules)
    assert unknown("vortex_no_such_total"), "the check itself"
    print("deploy: %d panels, %d queries, unknown metrics: %s" % (len(board["panels"]), len(queries), sorted(wrong) or "none"))
    if wrong:
        return 1
    if not shutil.which("promtool"):
        print("skipped: promtool is not installed (package prometheus)")
        return 77
    for command in (["promtool", "check", "rules", "vortex-alerts.yaml"], ["promtool", "test", "rules", "vortex-alerts-test.yaml"]):
        if subprocess.run(command, cwd=PROMETHEUS).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
