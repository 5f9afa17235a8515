# SPDX-License-Identifier: Apache-2.0
import os


def run(payload):
    total, fd = payload["bytes"], 2 if payload.get("stream") == "stderr" else 1
    block = bytes(range(256)) * 256 if payload.get("pattern") == "binary" else b"x" * 65536
    left = total
    while left > 0:
        left -= os.write(fd, block[:left])
    if payload.get("exit"):
        os._exit(0)
    return total
