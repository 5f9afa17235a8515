#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every include under src/ and fails on one that the layers of ARCHITECTURE.md do not allow."""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"

# Folder: folders of ours that it may include from, besides itself.
ALLOWED = {
    "base": set(),
    "oci": {"base"},
    "review": {"base", "oci"},
    "policy": {"base", "oci"},
    "client": {"base"},
    "audit": {"base"},
    "egress": {"base"},
    # Of egress only what runner and proxy say to each other; the proxy itself is a process.
    "sandbox": {"base", "oci", "policy", "client", "audit", "egress"},
    "cli": {"base", "oci", "review", "policy", "client", "audit", "sandbox"},
    "agent": {"base", "oci", "policy", "client", "audit", "sandbox"},
    "shim": {"base"},
}
# Single files of a folder that is closed otherwise: plain data without a library behind it.
ALLOWED_FILES = {
    # The operator's decisions about the log, once: the policy reader fills what the log is opened with.
    "policy": {"audit/options.h"},
}
# The shim must stay small: none of these may come in.
SHIM_FORBIDDEN = re.compile(r"<(iostream|regex|locale|thread|future|fstream|sstream)>|absl/|grpc|spdlog|fmt/|nlohmann")
# Parts of base that bring Abseil or OpenSSL along.
NOT_FOR_SHIM = {"base/status.h", "base/files.h", "base/sha256.h"}


def problems(folder, name, text):
    """What is wrong in one file: (line number, message)."""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+("([^"]+)"|<[^>]+>)', line)
        if not match:
            continue
        target = match.group(2)
        other = target.split("/")[0] if target and "/" in target else None
        if other in ALLOWED and other != folder and other not in ALLOWED[folder] \
                and target not in ALLOWED_FILES.get(folder, ()):
            yield number, "%s may not include from %s" % (folder, other)
        if folder == "shim" and (SHIM_FORBIDDEN.search(match.group(1)) or target in NOT_FOR_SHIM):
            yield number, "the shim may not include %s" % match.group(1)


def self_test():
    """The guard itself: what it must catch, it catches."""
    assert list(problems("oci", "x.cc", '#include "policy/gate.h"\n'))
    assert list(problems("client", "x.cc", '#include "sandbox/runner.h"\n'))
    assert list(problems("shim", "x.cc", "#include <iostream>\n"))
    assert list(problems("shim", "x.cc", '#include "base/status.h"\n'))
    assert list(problems("policy", "x.cc", '#include "audit/log.h"\n'))
    assert not list(problems("policy", "x.h", '#include "audit/options.h"\n'))
    assert not list(problems("sandbox", "x.cc", '#include "client/client.h"\n#include <string>\n'))


def main():
    self_test()
    found = files = 0
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix not in (".h", ".cc", ".c"):
            continue
        files += 1
        folder = path.relative_to(SOURCE).parts[0]
        if folder not in ALLOWED:
            print("%s: folder %s is not in the layers table" % (path, folder))
            found += 1
            continue
        for number, message in problems(folder, path.name, path.read_text()):
            print("%s:%d: %s" % (path, number, message))
            found += 1
    print("layers: %d files, %d problems" % (files, found))
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
