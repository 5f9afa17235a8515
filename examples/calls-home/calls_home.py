# SPDX-License-Identifier: Apache-2.0
"""192.0.2.1 is a documentation address (RFC 5737); in the sandbox's network namespace there is no route to it or to anything."""
import urllib.request


def run(payload):
    with urllib.request.urlopen(payload["url"], timeout=1) as response:
        return response.status
