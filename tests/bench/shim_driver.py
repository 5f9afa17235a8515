# SPDX-License-Identifier: Apache-2.0
"""A shim driven without containerd's daemon in between: `start` and `delete` as containerd runs them, and the Task service
over ttrpc. Enough protobuf and ttrpc for that; field numbers are those of proto/containerd/task/v2/shim.proto."""
import os
import pathlib
import socket
import struct
import subprocess
import time


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def message(fields):
    """{field number: str, bytes or int} as a serialized message; empty values are left out, as proto3 does."""
    out = b""
    for number, value in fields.items():
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, int):
            out += varint(number << 3) + varint(value) if value else b""
        elif value:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def parse(data):
    """{field number: last value} of a message of varints and length-delimited fields."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            fields[key >> 3] = number()
        elif key & 7 == 2:
            size = number()
            fields[key >> 3] = data[at:at + size]
            at += size
        else:
            raise ValueError("wire type %d" % (key & 7))
    return fields


class Peer:
    """One ttrpc connection, one call at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.stream = 1

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the shim has closed the connection")
            data += more
        return data

    def call(self, method, fields):
        request = message({1: "containerd.task.v2.Task", 2: method, 3: message(fields), 4: 30_000_000_000})
        self.socket.sendall(struct.pack(">IIBB", len(request), self.stream, 1, 0) + request)
        self.stream += 2
        size, _, _, _ = struct.unpack(">IIBB", self._read(10))
        response = parse(self._read(size))
        status = parse(response.get(1, b""))
        if status.get(1, 0) != 0:
            raise RuntimeError("%s: code %d: %s" % (method, status[1], status.get(2, b"").decode(errors="replace")))
        return parse(response.get(2, b""))

    def close(self):
        self.socket.close()


class LoneShim:
    """`binary` with a bundle of its own."""

    def __init__(self, binary, bundle, name_space, address, path=None):
        self.binary, self.bundle = binary, pathlib.Path(bundle)
        self.words = ["-namespace", name_space, "-address", address, "-publish-binary", "true", "-id", self.bundle.name]
        self.env = dict(os.environ, TTRPC_ADDRESS=address + ".ttrpc", GOMAXPROCS="2", PATH=path or os.environ["PATH"])
        self.peer = None
        # containerd makes it and keeps it open; the Go shim does not serve without.
        os.mkfifo(self.bundle / "log", 0o700)
        self.log = os.open(self.bundle / "log", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def _run(self, words):
        """(wall s, CPU s of the process itself, stdout)"""
        begin = time.monotonic()
        process = subprocess.Popen([self.binary] + self.words + words, cwd=self.bundle, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode != 0:
            raise RuntimeError("%s %s: %s" % (self.binary, " ".join(words), output.decode(errors="replace")))
        return wall, usage.ru_utime + usage.ru_stime, output

    def start(self):
        wall, cpu, output = self._run(["start"])
        self.peer = Peer(output.decode().strip().removeprefix("unix://"))
        return wall, cpu

    def delete(self):
        return self._run(["-bundle", str(self.bundle), "delete"])[:2]

    def pid(self):
        return self.peer.call("Connect", {1: self.bundle.name})[1]

    def create(self):
        return self.peer.call("Create", {1: self.bundle.name, 2: str(self.bundle)})

    def run_exec(self, name, spec):
        """A whole exec: its exit status."""
        who = {1: self.bundle.name, 2: name}
        any_spec = message({1: "types.containerd.io/opencontainers/runtime-spec/1/Process", 2: spec})
        self.peer.call("Exec", {1: self.bundle.name, 2: name, 7: any_spec})
        self.peer.call("Start", who)
        status = self.peer.call("Wait", who).get(1, 0)
        self.peer.call("Delete", who)
        return status

    def end(self):
        try:
            self.peer.call("Shutdown", {1: self.bundle.name})
            # Gone when it closes the connection; what it does until then is part of its cost.
            self.peer.socket.recv(1)
        except OSError:
            pass
        self.peer.close()
        os.close(self.log)
