# SPDX-License-Identifier: Apache-2.0
"""Ignores the polite signal; the budget is enforced by SIGKILL from outside."""
import signal
import time


def run(payload):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(payload["seconds"])
    return "slept"
