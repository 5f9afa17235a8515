# SPDX-License-Identifier: Apache-2.0
"""Starts the real proxy on this host's loopback, with real servers behind it; nothing leaves 127.0.0.0/8 and ::1."""
import contextlib
import fcntl
import json
import os
import signal
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading

PROXY = os.environ["VORTEX_EGRESS_PROXY"]
LIMITS = {"connections": 16, "header_bytes": 8192, "header_timeout_ms": 5000, "connect_timeout_ms": 2000,
          "resolve_timeout_ms": 2000, "idle_timeout_ms": 5000}
# Who the proxy becomes: an id that is nobody's.
UID = 1879048192 + 65535 if os.geteuid() == 0 else 0


class Answer:
    """What came back on one connection."""

    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ", 2)
        self.status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def rule(self):
        return self.json["rule"] if self.status >= 400 else "(status %d)" % self.status


def read_all(sock):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := sock.recv(65536):
            data += chunk
    return data


class Proxy:
    """One proxy process and its control socket."""

    def __init__(self, rules, hosts=None, dns=None, denied=(), limits=None, raw_config=None):
        config = {"version": 1, "uid": UID, "gid": UID,
                  "rules": [{"host": r[0], "port": r[1], "address_ranges": list(r[2]) if len(r) > 2 else []}
                            for r in rules],
                  "denied_hosts": list(denied), "hosts": hosts or {},
                  # Never the machine's own name servers.
                  "dns_servers": ["127.0.0.1:%d" % dns.port] if dns else ["127.0.0.1:9"],
                  "limits": {**LIMITS, **(limits or {})}}
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 50) for s in (theirs, listener)]
        self.pid = os.posix_spawn(PROXY, [PROXY], {}, file_actions=[
            (os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)])
        for fd in high:
            os.close(fd)
        theirs.close()
        listener.close()
        self.control.settimeout(30)
        self.control.send(json.dumps(config if raw_config is None else raw_config).encode())
        self.first = json.loads(self.control.recv(65536) or b"null")
        self.ended = False

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, data):
        """Sends bytes, reads to the end."""
        with self.connect() as sock:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
            return Answer(read_all(sock))

    def get(self, host, port, path="/", extra="", method="GET"):
        authority = "%s:%d" % (host, port)
        return self.ask("%s http://%s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (method, authority, path, authority, extra))

    def tunnel(self, host, port):
        """CONNECT: the socket, and the answer's status."""
        sock = self.connect()
        sock.sendall(("CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (host, port, host, port)).encode("latin-1"))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                break
            head += byte
        return sock, int(head.split()[1]) if head else 0

    def finish(self):
        """Ends it as the runner does: (denials by rule and target, hosts, whether the end was seen)."""
        self.control.shutdown(socket.SHUT_WR)
        return self.drain()

    def drain(self):
        denials, hosts, complete = {}, {}, False
        while message := self.control.recv(65536):
            event = json.loads(message)
            if event["event"] == "denial":
                denial = event["denial"]
                denials[(denial["rule"], denial["target"], denial["action"])] = denial
            elif event["event"] == "host":
                hosts[(event["host"]["host"], event["host"]["port"])] = event["host"]
            elif event["event"] == "end":
                complete = True
        self.status = os.waitpid(self.pid, 0)[1]
        self.ended = True
        self.control.close()
        return denials, hosts, complete

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def close(self):
        if not self.ended:
            self.kill()
            os.waitpid(self.pid, 0)
            self.control.close()


class Server(socketserver.ThreadingTCPServer):
    """Calls `serve(socket)` for each connection; keeps what clients sent when serve returns it."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, serve, address="127.0.0.1"):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.received = []
        self.connections = 0
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.connections += 1
                self.request.settimeout(20)
                with contextlib.suppress(OSError):
                    got = serve(self.request)
                    if got:
                        outer.received.append(got)

        super().__init__((address, 0), Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


def read_request(sock):
    """One HTTP request with its body, as bytes."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            chunk = sock.recv(65536)
            if not chunk:
                break
            body += chunk
    elif b"content-length: " in lower:
        length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            chunk = sock.recv(65536)
            if not chunk:
                break
            body += chunk
    return head + b"\r\n\r\n" + body


def responder(response):
    """Reads one request, answers with these bytes."""
    def serve(sock):
        request = read_request(sock)
        sock.sendall(response)
        return request
    return serve


def ok(text=b"hello"):
    return responder(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size.split(b";")[0], 16)
        if count == 0:
            break
        out += data[:count]
        data = data[count + 2:]
    return out


class Dns:
    """Answers A and AAAA from a table: name to a list of answers, each a list of addresses; the last one stays."""

    def __init__(self, table, silent=False):
        self.table = {name: list(answers) for name, answers in table.items()}
        self.queries = []
        self.silent = silent
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.rounds = {}
        self.closing = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if self.closing:
                return
            labels, at = [], 12
            while data[at]:
                labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
                at += data[at] + 1
            kind = struct.unpack_from(">H", data, at + 1)[0]
            name = ".".join(labels).lower()
            self.queries.append((name, kind))
            if not self.silent:
                with contextlib.suppress(OSError):  # closed under us
                    self.socket.sendto(self.answer(data, at + 5, name, kind), peer)

    def answer(self, query, end, name, kind):
        # The two questions of one resolution get the same round.
        turn = self.rounds.setdefault((name, kind), 0)
        self.rounds[(name, kind)] += 1
        answers = self.table.get(name)
        records = b""
        count = 0
        for address in answers[min(turn, len(answers) - 1)] if answers else []:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if (family == socket.AF_INET6) != (kind == 28):
                continue
            packed = socket.inet_pton(family, address)
            records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed
            count += 1
        flags = 0x8180 if answers else 0x8183
        return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + query[12:end] + records

    def close(self):
        # A blocked recvfrom wakes only by a packet.
        self.closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"\0" * 17, ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


def make_certificate(directory):
    """A self-signed key and certificate: (file, file)."""
    key, certificate = os.path.join(directory, "key.pem"), os.path.join(directory, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=tls.test"],
                   check=True, capture_output=True)
    return key, certificate


class TlsServer(Server):
    def __init__(self, directory, text=b"secret hello"):
        key, certificate = make_certificate(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def serve(sock):
            with context.wrap_socket(sock, server_side=True) as tls:
                request = read_request(tls)
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                return request
        super().__init__(serve)


def client_hello(name, extra=b"", split=None):
    """A ClientHello by hand; `split`: record sizes."""
    extensions = extra
    if name is not None:
        raw = name.encode()
        entry = b"\0" + struct.pack(">H", len(raw)) + raw
        names = struct.pack(">H", len(entry)) + entry
        extensions += struct.pack(">HH", 0, len(names)) + names
    body = b"\x03\x03" + b"R" * 32 + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    out = b""
    for size in split or [len(message)]:
        piece, message = message[:size], message[size:]
        out += b"\x16\x03\x01" + struct.pack(">H", len(piece)) + piece
    return out


def temp_dir():
    return tempfile.TemporaryDirectory(prefix="vortex-egress-")
