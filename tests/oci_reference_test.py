#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/reviewer/oci-spec.md explains every field that occurs in a golden spec, and the OCI runtime spec's schema knows
each of them: a runtime ignores a field that it cannot spell. Exit code 77: the schema is not installed."""
import copy
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDENS = ROOT / "oci-specs" / "golden"
REFERENCE = ROOT / "docs" / "reviewer" / "oci-spec.md"
# Debian's golang-github-opencontainers-specs-dev
SCHEMA = pathlib.Path("/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema/config-schema.json")
SKIP = 77


def make_validator():
    """The official schema, but with keys that it does not know refused."""
    import jsonschema

    def strict_properties(validator, properties, instance, schema):
        yield from jsonschema.Draft4Validator.VALIDATORS["properties"](validator, properties, instance, schema)
        if isinstance(instance, dict) and not {"additionalProperties", "patternProperties"} & set(schema):
            for key in sorted(set(instance) - set(properties)):
                yield jsonschema.ValidationError("unknown field %s" % key)

    strict = jsonschema.validators.extend(jsonschema.Draft4Validator, {"properties": strict_properties})
    schema = json.loads(SCHEMA.read_text())
    return strict(schema, resolver=jsonschema.RefResolver(SCHEMA.as_uri(), schema))


def schema_problems(validator, spec):
    return ["%s: %s" % ("/".join(map(str, error.path)) or "the spec", error.message)
            for error in validator.iter_errors(spec)]


def paths(value, prefix=""):
    """Every path to a field, array indices as []: "mounts[].source". What annotations hold are paths, too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            path = prefix + "." + key if prefix else key
            yield path
            yield from paths(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, prefix + "[]")


def unexplained(spec, text):
    """Fields of the spec that the text does not name in back quotes."""
    named = set(re.findall(r"`([^`\n]+)`", text))
    return sorted(set(paths(spec)) - named)


def check_controls(validator, spec):
    """The checks above can fail: each of these broken copies must be refused."""
    def misspelt(broken):
        broken["process"]["noNewPrivilege"] = True

    def misplaced(broken):
        broken["linux"]["resources"]["memory"]["pids"] = {"limit": 1}

    for breakage in (misspelt, misplaced):
        broken = copy.deepcopy(spec)
        breakage(broken)
        if not schema_problems(validator, broken):
            yield "negative control: a %s field goes unnoticed" % breakage.__name__
    if unexplained({"a": {"b": [{"c": 1}]}}, "`a` `a.b` `a.b.c`") != ["a.b[].c"]:
        yield "negative control: a field that is not explained goes unnoticed"


def main():
    goldens = {path: json.loads(path.read_text()) for path in sorted(GOLDENS.glob("*.json"))}
    problems = [] if goldens else ["no goldens in %s" % GOLDENS]
    text = REFERENCE.read_text()
    for path, spec in goldens.items():
        problems += ["%s: %s is not explained in %s" % (path.name, field, REFERENCE.relative_to(ROOT))
                     for field in unexplained(spec, text)]
    # A field that is gone must go from the text as well.
    present = set().union(*(paths(spec) for spec in goldens.values()))
    for field in sorted(set(re.findall(r"^\| `([^`\n]+)` \|", text, re.MULTILINE)) - present):
        problems.append("%s explains %s, which no golden has" % (REFERENCE.relative_to(ROOT), field))

    skipped = None
    if not SCHEMA.exists():
        skipped = "%s is not there; install golang-github-opencontainers-specs-dev" % SCHEMA
    else:
        try:
            validator = make_validator()
        except ImportError as error:
            skipped = "%s; install python3-jsonschema" % error
    if not skipped:
        for path, spec in goldens.items():
            problems += ["%s: %s" % (path.name, problem) for problem in schema_problems(validator, spec)]
        problems += check_controls(validator, next(iter(goldens.values()), {}))
    for problem in problems:
        print(problem)
    if problems:
        return 1
    if skipped:
        print("skipped: " + skipped)
        return SKIP
    print("%d specs are valid and explained" % len(goldens))
    return 0


if __name__ == "__main__":
    sys.exit(main())
