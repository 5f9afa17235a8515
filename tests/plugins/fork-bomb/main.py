# SPDX-License-Identifier: Apache-2.0
import errno
import os
import time


def run(payload):
    forked = 0
    for _ in range(2000):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            forked += 1
        except OSError as error:
            if payload.get("raise"):
                raise
            return {"forked": forked, "errno": errno.errorcode[error.errno]}
    return {"forked": forked, "errno": None}
