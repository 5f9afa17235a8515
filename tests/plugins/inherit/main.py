# SPDX-License-Identifier: Apache-2.0
"""Tries to read the secrets of pid 1, and looks for tokens in its own environment."""
import errno
import os


def read(path):
    with open(path, "rb") as file:
        file.read(1)


def outcome(action, path):
    try:
        action(path)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def run(payload):
    result = {path: outcome(read, path) for path in ("/proc/1/environ", "/proc/1/mem", "/proc/1/maps")}
    result.update({path: outcome(os.listdir, path) for path in ("/proc/1/root", "/proc/1/fd", "/proc/1/cwd")})
    result["tokens"] = [name for name in os.environ if "TOKEN" in name]
    return result
