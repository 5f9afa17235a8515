# SPDX-License-Identifier: Apache-2.0
import os
import signal
import time


def sleep(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1)


def run(payload):
    if payload.get("ignore_sigterm"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if payload.get("daemonise") and os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 32):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            sleep(payload["seconds"])
        os._exit(0)
    sleep(payload["seconds"])
    return "slept"
