#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The egress proxy against a direct connection and against tinyproxy, in one run, on this host's loopback.

For each way: the time of one small request on a connection of its own (plain HTTP, and a CONNECT with a TLS handshake),
and the throughput of one large download through each. Ways take turns, so that other load hits all of them alike.
"""
import argparse
import os
import pwd
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration", "egress"))
from harness import Proxy, Server, TlsServer, read_request  # noqa: E402

HOST = "127.0.0.1"
# tinyproxy asks the host's resolver: the one name that leads to the loopback everywhere.
NAME = "localhost"


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Tinyproxy:
    def __init__(self, directory):
        with socket.create_server((HOST, 0)) as free:
            self.port = free.getsockname()[1]
        path = os.path.join(directory, "tinyproxy.conf")
        with open(path, "w") as file:
            file.write("Port %d\nListen 127.0.0.1\nTimeout 60\nLogLevel Error\nMaxClients 64\nDisableViaHeader Yes\n"
                       "User %s\n" % (self.port, pwd.getpwuid(os.geteuid()).pw_name))
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", path], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise RuntimeError("tinyproxy does not listen")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Way:
    """How to get to the server: directly, or through the proxy at `port`."""

    def __init__(self, name, port=None):
        self.name, self.port = name, port

    def http(self, target):
        """One request on a new connection: bytes that came back."""
        sock = socket.create_connection((HOST, self.port or target))
        url = "" if self.port is None else "http://%s:%d" % (NAME, target)
        sock.sendall(b"GET %s/ HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n" % (url.encode(), NAME.encode(), target))
        return self.drain(sock)

    def https(self, target, context):
        sock = socket.create_connection((HOST, self.port or target))
        if self.port is not None:
            sock.sendall(b"CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (NAME.encode(), target, NAME.encode(), target))
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += sock.recv(1)
            if b" 200 " not in head:
                raise RuntimeError("%s: %r" % (self.name, head))
        tls = context.wrap_socket(sock, server_hostname=NAME)
        tls.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % NAME.encode())
        return self.drain(tls)

    @staticmethod
    def drain(sock):
        total = 0
        buffer = bytearray(1 << 18)
        with sock:
            while size := sock.recv_into(buffer):
                total += size
        return total


def sender(megabytes):
    block = b"x" * (1 << 20)

    def serve(sock):
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (megabytes << 20))
        for _ in range(megabytes):
            sock.sendall(block)
    return serve


def timed(call):
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    context = tls_context()
    with tempfile.TemporaryDirectory(prefix="vortex-egress-bench-") as directory:
        small = Server(lambda sock: sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") if read_request(sock) else None)
        large = Server(sender(args.megabytes))
        tls = TlsServer(directory)
        rules = [(NAME, server.port, ["127.0.0.1/32"]) for server in (small, large, tls)]
        egress = Proxy(rules, hosts={NAME: ["127.0.0.1"]}, limits={"idle_timeout_ms": 60000})
        tiny = Tinyproxy(directory)
        ways = [Way("direct"), Way("vortex-egress-proxy", egress.port), Way("tinyproxy", tiny.port)]
        http = {way.name: [] for way in ways}
        https = {way.name: [] for way in ways}
        rate = {way.name: [] for way in ways}
        try:
            for _ in range(args.requests):
                for way in ways:
                    http[way.name].append(timed(lambda: way.http(small.port))[0])
            for _ in range(args.requests // 3):
                for way in ways:
                    https[way.name].append(timed(lambda: way.https(tls.port, context))[0])
            for _ in range(args.rounds):
                for way in ways:
                    seconds, total = timed(lambda: way.http(large.port))
                    assert total > args.megabytes << 20, way.name
                    rate[way.name].append(total / seconds / 1e6)
            with open("/proc/%d/status" % egress.pid) as file:
                memory = next(line.split()[1] for line in file if line.startswith("VmHWM"))
        finally:
            tiny.close()
            egress.close()
    print("%-22s %14s %14s %14s" % ("", "http p50 us", "connect p50 us", "MB/s"))
    base = {}
    for way in ways:
        row = (statistics.median(http[way.name]) * 1e6, statistics.median(https[way.name]) * 1e6,
               statistics.median(rate[way.name]))
        base.setdefault("direct", row)
        ratios = " ".join("%.2f" % (value / first) for value, first in zip(row, base["direct"]))
        print("%-22s %14.0f %14.0f %14.0f   of direct: %s" % ((way.name,) + row + (ratios,)))
    print("peak memory of the proxy: %s kB" % memory)


if __name__ == "__main__":
    main()
