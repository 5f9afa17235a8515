# SPDX-License-Identifier: Apache-2.0
"""Which Debian packages the image is made of, and their files, checked against apt's signed index."""
import hashlib
import os
import pathlib
import re
import tempfile

from .common import BuildError, run, say

# The extension modules of the standard library link these; the names differ between releases.
LIBRARIES = [["libc6"], ["zlib1g"], ["libexpat1"], ["libffi8"], ["libbz2-1.0"], ["liblzma5"], ["libsqlite3-0"],
             ["libssl3t64", "libssl3"], ["libuuid1"]]
# What libraries depend on and the image does without: unwinding for pthread_cancel(3).
SKIPPED = {"libgcc-s1"}
# What apt's choice of versions depends on, apart from what is installed.
APT_STATE = ["/var/lib/apt/lists", "/etc/apt", "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/preferences",
             "/etc/apt/preferences.d"]


class Package:
    """A package as apt would install it."""

    def __init__(self, fields):
        self.name, self.version = fields["Package"], fields["Version"]
        self.architecture, self.sha256 = fields["Architecture"], fields["SHA256"]
        self.depends = fields.get("Pre-Depends", "") + ", " + fields.get("Depends", "")

    @property
    def file_name(self):
        return "%s_%s_%s.deb" % (self.name, self.version.replace(":", "%3a"), self.architecture)

    def __str__(self):
        return "%s=%s@sha256:%s" % (self.name, self.version, self.sha256)


def state():
    """Changes whenever apt might choose differently; costs a few system calls, where asking apt takes a second."""
    parts = []
    for path in APT_STATE:
        try:
            info = os.stat(path)
            parts.append("%s %d %d" % (path, info.st_ino, info.st_mtime_ns))
        except OSError:
            parts.append(path)
    return "\n".join(parts)


def candidates(names):
    """{name: Package} for those that apt knows and can download."""
    known = {}
    # Unlike show, policy does not fail for names that apt does not know.
    listed = re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))", run(["apt-cache", "policy"] + names), re.M)
    if not listed:
        return known
    for paragraph in run(["apt-cache", "show", "--no-all-versions"] + listed).split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|SHA256|Pre-Depends|Depends): (.*)$", paragraph, re.M))
        if "SHA256" in fields:
            known[fields["Package"]] = Package(fields)
    return known


def choose():
    """("python3.11", [Package]): the interpreter of this release and what it links."""
    minimal = candidates(["python3-minimal"]).get("python3-minimal")
    match = minimal and re.search(r"(python3\.\d+)-minimal", minimal.depends)
    if not match:
        raise BuildError("package python3-minimal: not known to apt; run apt-get update")
    python = match.group(1)
    wanted = [[python + "-minimal"], ["lib%s-minimal" % python], ["lib%s-stdlib" % python]] + LIBRARIES
    known = candidates([name for names in wanted for name in names])
    chosen = []
    for names in wanted:
        found = [known[name] for name in names if name in known]
        if not found:
            raise BuildError("package %s: not known to apt; run apt-get update" % " or ".join(names))
        chosen.append(found[0])
    return python, with_dependencies(chosen, chosen[3:])


def with_dependencies(chosen, libraries):
    """`chosen` and the libraries that its libraries need (on Debian 13, OpenSSL needs libzstd1)."""
    while libraries:
        names = {name for package in libraries for name in re.findall(r"(?:^|, )((?:lib|zlib)[a-z0-9.+-]+)", package.depends)}
        missing = sorted(names - SKIPPED - {package.name for package in chosen})
        known = candidates(missing) if missing else {}
        libraries = [known[name] for name in missing if name in known]
        chosen = chosen + libraries
    return chosen


def is_intact(path, package):
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == package.sha256


def download(packages, cache):
    """Paths of the .deb files. What the cache has is not fetched again, but checked again."""
    cache.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, package in enumerate(packages, 1):
        path = cache / package.file_name
        if not is_intact(path, package):
            say("downloading %d/%d %s %s" % (number, len(packages), package.name, package.version))
            # Elsewhere first: another build may read the cache now, and this one may be cut off.
            with tempfile.TemporaryDirectory(prefix=".download-", dir=cache) as temporary:
                run(["apt-get", "download", "-q", "%s=%s" % (package.name, package.version)], cwd=temporary)
                fetched = pathlib.Path(temporary) / package.file_name
                if not is_intact(fetched, package):
                    raise BuildError("package %s %s: what apt-get downloaded is not sha256 %s" % (
                        package.name, package.version, package.sha256))
                os.replace(fetched, path)
        paths.append(path)
    return paths
