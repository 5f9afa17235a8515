# SPDX-License-Identifier: Apache-2.0
import os


def run(payload):
    if payload["mode"] == "tmp":
        with open("/tmp/fill", "wb") as file:
            while True:
                file.write(b"x" * 65536)
                file.flush()
    with open("/dev/shm/fill" if payload["mode"] == "shm" else "/tmp/fill", "wb") as file:
        os.ftruncate(file.fileno(), 1 << 40)
