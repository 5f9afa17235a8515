#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What vortexctl spec prints as SARIF is SARIF 2.1.0: no Debian package has the schema, so what the standard asks of the parts
that we use is checked by hand, with nothing beyond them let through. Exit code 77: vortexctl is not built."""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
CTL = pathlib.Path(sys.argv[2])
GOLDENS = ROOT / "oci-specs" / "golden"


def keys(value, needed, optional=()):
    assert isinstance(value, dict), value
    assert set(needed) <= set(value), (sorted(value), needed)
    assert set(value) <= set(needed) | set(optional), sorted(value)


def text(value):
    keys(value, ["text"])
    assert isinstance(value["text"], str) and value["text"].strip(), value


def check_rule(rule):
    keys(rule, ["id", "name", "shortDescription", "help", "defaultConfiguration"], ["fullDescription", "properties"])
    assert re.fullmatch(r"VX-(SPEC|DIFF)-\d{4}", rule["id"])
    for part in ("shortDescription", "help"):
        text(rule[part])
    assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    if "properties" in rule:
        assert 0 < float(rule["properties"]["security-severity"]) <= 10


def check_result(result, rules, lines):
    keys(result, ["ruleId", "ruleIndex", "kind", "level", "message", "locations", "partialFingerprints"])
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["kind"] in ("notApplicable", "pass", "fail", "review", "open", "informational")
    assert result["level"] in ("none", "note", "warning", "error")
    # Section 3.27.10: only a failure has a level.
    assert (result["kind"] == "fail") or result["level"] == "none", result
    text(result["message"])
    for location in result["locations"]:
        keys(location, ["physicalLocation"], ["logicalLocations"])
        keys(location["physicalLocation"], ["artifactLocation", "region"])
        assert re.fullmatch(r"[A-Za-z0-9%/._~:-]+", location["physicalLocation"]["artifactLocation"]["uri"])
        region = location["physicalLocation"]["region"]
        keys(region, ["startLine", "startColumn"])
        assert 1 <= region["startLine"] <= len(lines), region
        assert 1 <= region["startColumn"] <= len(lines[region["startLine"] - 1]) + 1, region


def check(arguments, spec):
    done = subprocess.run([str(CTL), "spec", *arguments, "--sarif"], capture_output=True, text=True)
    assert done.returncode in (0, 1), done
    log = json.loads(done.stdout)
    keys(log, ["$schema", "version", "runs"])
    assert log["version"] == "2.1.0" and len(log["runs"]) == 1
    run = log["runs"][0]
    keys(run, ["tool", "columnKind", "results"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    keys(driver, ["name", "semanticVersion", "rules"])
    for rule in driver["rules"]:
        check_rule(rule)
    lines = spec.read_text().splitlines()
    for result in run["results"]:
        check_result(result, driver["rules"], lines)
    return len(run["results"])


def main():
    if not CTL.exists():
        print("%s is not there" % CTL)
        return 77
    goldens = sorted(GOLDENS.glob("*.json"))
    results = sum(check(["audit", str(path)], path) for path in goldens)
    results += sum(check(["diff", str(goldens[0]), str(path)], path) for path in goldens[1:])
    print("sarif: %d results" % results)
    return 0 if results > 50 else 1


if __name__ == "__main__":
    sys.exit(main())
