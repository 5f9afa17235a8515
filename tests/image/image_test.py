#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is in the runtime image, and that the same inputs give the same digest."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import stat
import subprocess
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYOUT = pathlib.Path(os.environ["VORTEX_TEST_IMAGE"])
INIT = os.environ["VORTEX_TEST_INIT"]


def blob(layout, digest):
    data = (layout / "blobs" / "sha256" / digest.split(":")[1]).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == digest, digest
    return data


def manifest_of(layout):
    index = json.loads((layout / "index.json").read_text())
    descriptor = index["manifests"][0]
    return descriptor, json.loads(blob(layout, descriptor["digest"]))


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.descriptor, cls.manifest = manifest_of(LAYOUT)
        cls.config = json.loads(blob(LAYOUT, cls.manifest["config"]["digest"]))
        layer = gzip.decompress(blob(LAYOUT, cls.manifest["layers"][0]["digest"]))
        cls.diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            cls.members = {member.name: member for member in tar.getmembers()}

    def test_is_a_valid_layout(self):
        self.assertEqual(json.loads((LAYOUT / "oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        self.assertEqual(self.config["rootfs"]["diff_ids"], [self.diff_id])
        self.assertEqual(self.config["os"], "linux")

    def test_has_no_shell_no_package_manager_no_accounts(self):
        for name in self.members:
            base = name.rsplit("/", 1)[-1]
            self.assertNotIn(base, {"sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "passwd", "shadow", "su",
                                    "sudo", "perl"}, name)
        self.assertFalse([name for name in self.members if name.startswith(("etc", "var", "root", "home"))])

    def test_programs_are_the_interpreter_and_init(self):
        programs = [name for name, member in self.members.items()
                    if member.isfile() and member.mode & stat.S_IXUSR and ".so" not in name and not name.endswith(".py")]
        self.assertEqual(len([name for name in programs if name.startswith("usr/bin/python3")]), 1, programs)
        self.assertIn("usr/lib/vortex/init", programs)

    def test_nothing_is_setuid_or_anybodys_or_private(self):
        for name, member in self.members.items():
            self.assertFalse(member.mode & (stat.S_ISUID | stat.S_ISGID), name)
            self.assertEqual((member.uid, member.gid, member.mtime), (0, 0, 0), name)
            self.assertTrue(member.mode & stat.S_IROTH, name)
            self.assertFalse(member.isfile() and member.mode & stat.S_IWOTH, name)
            self.assertTrue(member.isfile() or member.isdir() or member.issym(), name)

    def test_has_the_mount_points_of_the_contract(self):
        for name in ("plugin", "proc", "sys", "dev", "tmp"):
            self.assertTrue(self.members[name].isdir(), name)
        self.assertEqual(self.members["tmp"].mode, 0o1777)

    def test_is_small(self):
        size = sum(member.size for member in self.members.values())
        print("image: %.1f MiB unpacked, %.1f MiB compressed" % (
            size / 2**20, self.manifest["layers"][0]["size"] / 2**20))
        self.assertLess(size, 60 << 20)


class Reproducible(unittest.TestCase):
    def test_the_same_inputs_give_the_same_digest(self):
        with tempfile.TemporaryDirectory() as temporary:
            # Another umask and another place; the name is part of the index, not of the image.
            subprocess.run(["sh", "-c", 'umask 077; exec "$@"', "sh", str(ROOT / "images/python/build"), "--init", INIT,
                            "--output", temporary, "--name", "vortex.local/other:1"], check=True)
            self.assertEqual(manifest_of(pathlib.Path(temporary))[0]["digest"], manifest_of(LAYOUT)[0]["digest"])


if __name__ == "__main__":
    unittest.main()
