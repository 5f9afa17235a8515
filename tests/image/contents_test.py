#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is in the runtime image, and what is not."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import stat
import tarfile
import unittest

from layout import blob, manifest_of

LAYOUT = pathlib.Path(os.environ["VORTEX_TEST_IMAGE"])


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.descriptor, cls.manifest = manifest_of(LAYOUT)
        cls.config = json.loads(blob(LAYOUT, cls.manifest["config"]["digest"]))
        cls.layer = layer = gzip.decompress(blob(LAYOUT, cls.manifest["layers"][0]["digest"]))
        cls.diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            cls.members = {member.name: member for member in tar.getmembers()}

    def test_is_a_valid_layout(self):
        self.assertEqual(json.loads((LAYOUT / "oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        self.assertEqual(self.config["rootfs"]["diff_ids"], [self.diff_id])
        self.assertEqual(self.config["os"], "linux")

    def test_says_where_it_comes_from(self):
        labels = self.config["config"]["Labels"]
        for label in ("io.vortex.init", "io.vortex.harness"):
            self.assertTrue(self.members[labels[label].lstrip("/")].isfile(), label)
        self.assertEqual(self.config["config"]["Env"], ["PATH=/usr/bin"])
        packages = labels["io.vortex.packages"].split()
        self.assertIn("libc6", [package.split("=")[0] for package in packages])
        for package in packages:
            self.assertRegex(package, r"^[a-z0-9.+-]+=[^@ ]+@sha256:[0-9a-f]{64}$")

    def test_links_stay_inside_and_point_at_something(self):
        for name, member in self.members.items():
            if not member.issym():
                continue
            target = member.linkname
            path = target.lstrip("/") if target.startswith("/") else os.path.normpath(os.path.join(os.path.dirname(name), target))
            # /lib and /lib64 are links themselves.
            path = path if path.startswith("usr/") else "usr/" + path
            self.assertIn(path, self.members, "%s -> %s" % (name, target))

    def test_byte_code_is_there_and_needs_no_times(self):
        modules = [name for name in self.members if re.match(r"usr/lib/python3\.\d+/.*\.py$", name)]
        self.assertGreater(len(modules), 400)
        with tarfile.open(fileobj=io.BytesIO(self.layer)) as tar:
            for name in modules + ["usr/lib/vortex/vortex_harness.py", "usr/lib/vortex/vortex_failure.py"]:
                folder, base = name.rsplit("/", 1)
                found = [n for n in self.members if n.startswith("%s/__pycache__/%s.cpython-3" % (folder, base[:-3]))]
                self.assertEqual(len(found), 1, name)
                # PEP 552: flags 1 is "by hash, and do not check".
                self.assertEqual(tar.extractfile(found[0]).read(8)[4:], b"\1\0\0\0", name)

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


if __name__ == "__main__":
    unittest.main()
