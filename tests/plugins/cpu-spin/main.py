# SPDX-License-Identifier: Apache-2.0
import time


def run(payload):
    start, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - start < payload["seconds"]:
        pass
    return {"cpu": time.process_time() - cpu, "wall": time.monotonic() - start}
