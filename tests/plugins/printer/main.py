# SPDX-License-Identifier: Apache-2.0
"""Prints a number of bytes: {"bytes": n, "stream": "stdout", "pattern": "x" | "binary", "chunk": 65536, "exit": false}."""
import os


def run(payload):
    total, fd = payload["bytes"], 2 if payload.get("stream") == "stderr" else 1
    # Every byte value in turn, the one that begins our records included.
    block = bytes(range(256)) * 256 if payload.get("pattern") == "binary" else b"x" * 65536
    chunk = min(payload.get("chunk", len(block)), len(block))
    done = 0
    while done < total:
        at = done % 256  # the pattern goes on where the last write ended
        done += os.write(fd, block[at:at + min(chunk, total - done)])
    if payload.get("exit"):
        os._exit(0)
    return total
