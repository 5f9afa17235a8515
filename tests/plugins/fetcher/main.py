# SPDX-License-Identifier: Apache-2.0
"""Fetches what the payload lists as any plugin would, by urllib and the environment, and tries to get around that."""
import errno
import os
import socket
import urllib.error
import urllib.request


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return {"status": response.status, "body": response.read().decode()}
    except urllib.error.HTTPError as error:
        with error:
            return {"status": error.code, "body": error.read().decode()}
    except OSError as error:
        return {"error": str(error)}


def tcp(host, port):
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.connect((host, port))
            return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def interfaces():
    with open("/proc/net/dev") as file:
        return sorted(line.split(":")[0].strip() for line in file if ":" in line)


def run(payload):
    return {
        "fetched": {url: fetch(url) for url in payload.get("urls", [])},
        "tcp": {"%s:%d" % (host, port): tcp(host, port) for host, port in payload.get("tcp", [])},
        "interfaces": interfaces(),
        "proxies": urllib.request.getproxies(),
        "environment": sorted(name for name in os.environ if name.lower().endswith("_proxy")),
    }
