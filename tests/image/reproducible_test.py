#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same inputs give the same digest; nothing is done twice; what goes wrong is said in one line."""
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from layout import manifest_of

BUILD = str(pathlib.Path(__file__).resolve().parents[2] / "images/python/build")
LAYOUT = pathlib.Path(os.environ["VORTEX_TEST_IMAGE"])
INIT = os.environ["VORTEX_TEST_INIT"]


def build(output, *extra, umask=0o022, **environment):
    return subprocess.run([BUILD, "--init", INIT, "--output", str(output), *extra], capture_output=True, text=True,
                          umask=umask, env={**os.environ, **environment})


def digest_of(layout):
    return manifest_of(layout)[0]["digest"]


class Build(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="vortex-image-")
        self.addCleanup(temporary.cleanup)
        self.output = pathlib.Path(temporary.name) / "layout"

    def test_the_same_inputs_give_the_same_digest(self):
        # Another umask, another place, another hash seed; the name is part of the index, not of the image.
        done = build(self.output, "--name", "vortex.local/other:1", umask=0o077, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(digest_of(self.output), digest_of(LAYOUT))
        self.assertIn(digest_of(self.output), done.stderr)

        # Again: nothing to do, and that is known fast.
        before = sorted((path, path.stat().st_mtime_ns) for path in self.output.rglob("*"))
        start = time.monotonic()
        done = build(self.output, "--name", "vortex.local/other:1")
        print("unchanged build: %.0f ms" % ((time.monotonic() - start) * 1e3))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("unchanged: " + digest_of(self.output), done.stderr)
        self.assertEqual(sorted((path, path.stat().st_mtime_ns) for path in self.output.rglob("*")), before)

        # Another input: another image, and nothing of the old one is left.
        done = build(self.output, SOURCE_DATE_EPOCH="86400")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(digest_of(self.output), digest_of(LAYOUT))
        self.assertEqual(len(list((self.output / "blobs/sha256").iterdir())), 3)
        self.assertEqual({path.name for path in self.output.iterdir()}, {"blobs", "index.json", "inputs.digest", "oci-layout"})

    def test_errors_name_their_cause_in_one_line(self):
        for part, arguments, environment in (
                ("no such file; it is built by the target vortex_init", ["--init", "/no/init"], {}),
                ("apt-cache: not installed", [], {"PATH": "/nowhere"}),
                ("SOURCE_DATE_EPOCH: 'noon' is not a number", [], {"SOURCE_DATE_EPOCH": "noon"}),
                ("/proc/x: No such file or directory", ["--output", "/proc/x"], {}),
                ("/dev/null/debs: Not a directory", ["--cache", "/dev/null/debs"], {})):
            done = build(self.output, *arguments, **environment)
            self.assertEqual(done.returncode, 1, done.stderr)
            lines = [line for line in done.stderr.splitlines() if "downloading" not in line]
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn(part, lines[0])

    def test_a_damaged_package_is_fetched_again_or_refused(self):
        cache = self.output.parent / "cache"
        tools = self.output.parent / "bin"
        tools.mkdir()
        # An apt-get that leaves rubbish: what it says was downloaded is not what the index promised.
        (tools / "apt-get").write_text("#!/bin/sh\necho rubbish >\"$(apt-cache show --no-all-versions \"${3%%=*}\" | "
                                       "sed -n 's/:/%3a/;s,^Filename.*/,,p')\"\n")
        (tools / "apt-get").chmod(0o755)
        done = build(self.output, "--cache", str(cache), PATH="%s:%s" % (tools, os.environ["PATH"]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("what apt-get downloaded is not sha256", done.stderr)
        self.assertEqual(list(cache.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
