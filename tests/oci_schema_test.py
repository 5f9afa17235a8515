# SPDX-License-Identifier: Apache-2.0
"""Validates the golden specs against the OCI runtime spec's own JSON schema, and their digests against another
implementation of the canonical form. Exit codes: 0 passed, 1 failed, 77 skipped (the reason is printed)."""
import copy
import hashlib
import json
import os
import sys
import unittest

# Debian's golang-github-opencontainers-specs-dev
SCHEMA = "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema"
SKIP = 77
SPECS = ""  # set by main


def golden():
    directory = os.path.join(SPECS, "golden")
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name)) as file:
            yield name[:-len(".json")], json.load(file)


def validator():
    path = os.path.join(SCHEMA, "config-schema.json")
    with open(path) as file:
        schema = json.load(file)
    # The schema has no id of its own; references are relative to the file.
    resolver = jsonschema.RefResolver("file://" + path, schema)
    return jsonschema.Draft4Validator(schema, resolver=resolver)


def errors(spec):
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message for e in validator().iter_errors(spec)]


def set_at(spec, path, value):
    broken = copy.deepcopy(spec)
    inner = broken
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return broken


class SchemaTest(unittest.TestCase):
    def test_goldens_are_valid(self):
        names = []
        for name, spec in golden():
            names.append(name)
            with self.subTest(golden=name):
                self.assertEqual(errors(spec), [])
        self.assertGreaterEqual(len(names), 4)

    def test_broken_copies_are_not(self):
        # Without these, a schema that was never reached would pass everything.
        spec = dict(golden())["runc-device"]
        for path, value in [
                (("ociVersion",), None),
                (("process", "cwd"), 1),
                (("process", "args"), "sh"),
                (("process", "rlimits", 0, "hard"), -1),
                (("process", "capabilities", "bounding"), "CAP_KILL"),
                (("process", "user", "uid"), "root"),
                (("root", "readonly"), "yes"),
                (("mounts", 0, "options"), "ro"),
                (("linux", "namespaces", 0, "type"), "planet"),
                (("linux", "uidMappings", 0, "hostID"), -1),
                (("linux", "devices", 0, "type"), "x"),
                (("linux", "resources", "pids", "limit"), "64"),
                (("linux", "resources", "memory", "limit"), "all"),
                (("linux", "resources", "devices", 0, "allow"), 0),
                (("linux", "maskedPaths"), "/proc"),
                (("linux", "seccomp", "defaultAction"), "SCMP_ACT_WISH"),
                (("linux", "seccomp", "syscalls", 0, "names"), []),
                (("linux", "seccomp", "syscalls", 0, "action"), "ALLOW"),
                (("linux", "seccomp", "architectures", 0), "x86"),
        ]:
            with self.subTest(path=path):
                self.assertNotEqual(errors(set_at(spec, path, value)), [])

    def test_digests_are_of_the_canonical_form(self):
        with open(os.path.join(SPECS, "digests.txt")) as file:
            want = {name: digest for digest, name in (line.split() for line in file)}
        have = {}
        for name, spec in golden():
            text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            have[name] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        self.assertEqual(have, want)


def main():
    global SPECS
    if len(sys.argv) != 2:
        sys.exit("usage: oci_schema_test.py SOURCE_DIR")
    SPECS = os.path.join(sys.argv.pop(), "oci-specs")
    if not os.path.isdir(SCHEMA):
        print("skipped: %s is not there; install golang-github-opencontainers-specs-dev" % SCHEMA)
        sys.exit(SKIP)
    unittest.main(verbosity=2)


try:
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import jsonschema
        jsonschema.RefResolver  # noqa: B018, deprecated in newer versions, there in both Debian releases
except ImportError as missing:
    print("skipped: %s; install python3-jsonschema" % missing)
    sys.exit(SKIP)

if __name__ == "__main__":
    main()
