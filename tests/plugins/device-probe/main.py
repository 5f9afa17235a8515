# SPDX-License-Identifier: Apache-2.0
"""Tries what the payload lists: {"open": ["PATH r" or w or rw, ...], "mknod": [path, major, minor], "env": [name, ...],
"load": [library, ...]}."""
import errno
import os
import stat

FLAGS = {"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR}


def outcome(action):
    try:
        action()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def load(library):
    import ctypes
    ctypes.CDLL(library)


def run(payload):
    out = {"open": {}, "load": {}, "env": {name: os.environ.get(name) for name in payload.get("env", [])}}
    for wish in payload.get("open", []):
        path, mode = wish.split(" ")
        out["open"][wish] = outcome(lambda: os.close(os.open(path, FLAGS[mode])))
    for library in payload.get("load", []):
        out["load"][library] = outcome(lambda: load(library))
    if "mknod" in payload:
        path, major, minor = payload["mknod"]
        out["mknod"] = outcome(lambda: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor)))
    return out
