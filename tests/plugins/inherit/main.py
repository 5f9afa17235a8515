# SPDX-License-Identifier: Apache-2.0
"""Starts a child and tries to read the secrets of pid 1."""
import errno


def run(payload):
    result = {}
    for path in ("/proc/1/environ", "/proc/1/mem", "/proc/1/maps", "/proc/1/root", "/proc/1/fd", "/proc/1/cwd"):
        try:
            if path.endswith(("root", "cwd", "fd")):
                import os
                os.listdir(path)
            else:
                with open(path, "rb") as file:
                    file.read(1)
            result[path] = "ok"
        except OSError as error:
            result[path] = errno.errorcode[error.errno]
    import os
    result["tokens"] = [name for name in os.environ if "TOKEN" in name]
    return result
