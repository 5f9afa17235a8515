#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the egress proxy lets through and what it refuses, against real servers on loopback addresses."""
import contextlib
import os
import socket
import ssl
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (UID, Answer, Dns, Proxy, Server, TlsServer, client_hello, ok, read_all, read_request,  # noqa: E402
                     responder, temp_dir, unchunk)

HERE = ["127.0.0.1/32"]


class EgressTest(unittest.TestCase):
    def start(self, thing):
        self.addCleanup(thing.close)
        return thing

    def server(self, serve=None, address="127.0.0.1"):
        return self.start(Server(serve or ok(), address))

    def proxy(self, rules, **options):
        return self.start(Proxy(rules, **options))

    def one(self, serve=None, **options):
        """A server behind the name ok.test, and a proxy that allows it."""
        server = self.server(serve)
        proxy = self.proxy([("ok.test", server.port, HERE)], hosts={"ok.test": ["127.0.0.1"]}, **options)
        return proxy, server

    def refused(self, answer, rule, status=403):
        self.assertEqual((answer.status, answer.rule), (status, rule), answer.data[:400])
        self.assertEqual(set(answer.json), {"error", "rule", "host", "port", "detail", "allowed_by"})
        self.assertEqual(answer.headers["content-type"], "application/json")


class AllowlistTest(EgressTest):
    def test_exact_host(self):
        proxy, server = self.one()
        answer = proxy.get("ok.test", server.port)
        self.assertEqual((answer.status, answer.body), (200, b"hello"))
        denials, hosts, complete = proxy.finish()
        self.assertTrue(complete)
        self.assertEqual(denials, {})
        self.assertEqual(hosts[("ok.test", server.port)]["connections"], 1)

    def test_suffix(self):
        server = self.server()
        proxy = self.proxy([("*.example.com", server.port, HERE)], hosts={"a.b.example.com": ["127.0.0.1"]})
        self.assertEqual(proxy.get("a.b.example.com", server.port).status, 200)

    def test_suffix_is_not_the_apex(self):
        proxy = self.proxy([("*.example.com", 80, HERE)], hosts={"example.com": ["127.0.0.1"]})
        self.refused(proxy.get("example.com", 80), "egress.host")

    def test_suffix_is_not_a_string_suffix(self):
        proxy = self.proxy([("*.example.com", 80, HERE)], hosts={"evilexample.com": ["127.0.0.1"]})
        self.refused(proxy.get("evilexample.com", 80), "egress.host")

    def test_host_inside_another_name(self):
        proxy = self.proxy([("example.com", 80, HERE)])
        self.refused(proxy.get("example.com.evil.test", 80), "egress.host")

    def test_other_port(self):
        proxy, server = self.one()
        answer = proxy.get("ok.test", server.port + 1)
        self.refused(answer, "egress.port")
        self.assertEqual((answer.json["host"], answer.json["port"]), ("ok.test", server.port + 1))
        self.assertIn("network.allow", answer.json["allowed_by"])

    def test_connect_to_port_22(self):
        proxy, _ = self.one()
        self.refused(proxy.ask("CONNECT ok.test:22 HTTP/1.1\r\nHost: ok.test:22\r\n\r\n"), "egress.port")

    def test_case_and_final_dot_do_not_matter(self):
        proxy, server = self.one()
        self.assertEqual(proxy.get("OK.Test.", server.port).status, 200)

    def test_operator_denial_beats_a_suffix(self):
        proxy = self.proxy([("*.example.com", 80, HERE)], denied=["*.internal.example.com", "one.example.com"])
        self.refused(proxy.get("one.example.com", 80), "egress.denied")
        self.refused(proxy.get("a.internal.example.com", 80), "egress.denied")

    def test_two_runs_have_their_own_lists(self):
        first, one = self.one(ok(b"first"))
        server = self.server(ok(b"second"))
        second = self.proxy([("other.test", server.port, HERE)], hosts={"other.test": ["127.0.0.1"]})
        self.assertEqual(first.get("ok.test", one.port).body, b"first")
        self.assertEqual(second.get("other.test", server.port).body, b"second")
        self.refused(first.get("other.test", server.port), "egress.host")
        self.refused(second.get("ok.test", one.port), "egress.host")

    def test_names_that_are_no_names(self):
        proxy, _ = self.one()
        for name in ("a_b.test", "-a.test", "a-.test", "a..test", "t\u00e4st.test", "x" * 64 + ".test", "*.test"):
            with self.subTest(name=name):
                self.refused(proxy.get(name, 80), "egress.request.syntax" if "\u00e4" in name else "egress.host.name")


class AddressTest(EgressTest):
    LITERALS = ("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
                "0X7F.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[fe80::1%25eth0]",
                "169.254.169.254", "0", "0x0", "1.2.3.4.5", "999.999.999.999", "10.0x1", "0x")

    def test_literals_in_every_spelling(self):
        proxy = self.proxy([("ok.test", 80, ["0.0.0.0/0", "::/0"])])
        for text in self.LITERALS:
            with self.subTest(get=text):
                self.refused(proxy.get(text, 80), "egress.host.literal")
            with self.subTest(connect=text):
                self.refused(proxy.ask("CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n" % (text, text)),
                             "egress.host.literal")

    def test_special_addresses_behind_a_name(self):
        for address in ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "169.254.1.1",
                        "100.64.0.1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255",
                        "::1", "::", "fe80::1", "fd00::1", "fd00:ec2::254", "ff02::1", "::ffff:8.8.8.8",
                        "64:ff9b::808:808", "2002:808:808::1", "2001:0:808:808::1", "::8.8.8.8", "2001:db8::1"):
            with self.subTest(address=address):
                proxy = Proxy([("ok.test", 80)], hosts={"ok.test": [address]})
                try:
                    answer = proxy.get("ok.test", 80)
                    self.refused(answer, "egress.address")
                    self.assertIn("address_ranges", answer.json["allowed_by"])
                    # Where the name leads is for the operator, not for the plugin.
                    self.assertNotIn(address, answer.json["detail"])
                    self.assertIn(("egress.address", "ok.test:80 (%s)" % address, "resolve"), proxy.finish()[0])
                finally:
                    proxy.close()

    def test_metadata_is_not_opened_by_a_wide_range(self):
        for address in ("169.254.169.254", "fd00:ec2::254"):
            proxy = self.proxy([("ok.test", 80, ["169.254.0.0/16", "fd00::/8", "0.0.0.0/0"])],
                               hosts={"ok.test": [address]})
            answer = proxy.get("ok.test", 80)
            self.refused(answer, "egress.address")
            self.assertIn("metadata", answer.json["detail"])

    def test_only_the_range_of_that_host_counts(self):
        server = self.server()
        proxy = self.proxy([("ok.test", server.port, HERE), ("other.test", server.port, ["127.0.0.2/32"])],
                           hosts={"other.test": ["127.0.0.1"]})
        self.refused(proxy.get("other.test", server.port), "egress.address")

    def test_own_addresses_of_the_host(self):
        # Ordinary ones are refused as "this host's"; a machine with private ones only says "private".
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            with contextlib.suppress(OSError):
                probe.connect(("192.0.2.1", 9))  # sends nothing
            own = probe.getsockname()[0]
        proxy = self.proxy([("ok.test", 80)], hosts={"ok.test": [own if own != "0.0.0.0" else "127.0.0.1"]})
        self.refused(proxy.get("ok.test", 80), "egress.address")

    def test_ipv6(self):
        server = self.server(address="::1")
        proxy = self.proxy([("ok.test", server.port, ["::1/128"])], hosts={"ok.test": ["::1"]})
        self.assertEqual(proxy.get("ok.test", server.port).body, b"hello")

    def test_second_address_when_the_first_refuses(self):
        server = self.server()
        proxy = self.proxy([("ok.test", server.port, ["127.0.0.0/8"])], hosts={"ok.test": ["127.0.0.2", "127.0.0.1"]})
        self.assertEqual(proxy.get("ok.test", server.port).status, 200)


class DnsTest(EgressTest):
    def test_denied_name_makes_no_query(self):
        dns = self.start(Dns({"ok.test": [["127.0.0.1"]]}))
        server = self.server()
        proxy = self.proxy([("ok.test", server.port, HERE)], dns=dns)
        for name in ("secret-data.evil.test", "ok.test.evil.test", "xok.test"):
            self.refused(proxy.get(name, server.port), "egress.host")
        self.refused(proxy.get("ok.test", 1), "egress.port")
        self.assertEqual(dns.queries, [])
        # The counter counts.
        self.assertEqual(proxy.get("ok.test", server.port).status, 200)
        self.assertEqual(sorted(dns.queries), [("ok.test", 1), ("ok.test", 28)])

    def test_rebinding_gets_no_second_question(self):
        dns = self.start(Dns({"ok.test": [["127.0.0.1"], ["127.0.0.9"]]}))
        server = self.server()
        proxy = self.proxy([("ok.test", server.port, HERE)], dns=dns)
        # Checked and dialled by one answer.
        self.assertEqual(proxy.get("ok.test", server.port).status, 200)
        self.assertEqual(len(dns.queries), 2)
        # The next request asks again, and its answer is judged again.
        self.refused(proxy.get("ok.test", server.port), "egress.address")
        self.assertEqual(server.connections, 1)

    def test_every_address_of_an_answer_is_judged(self):
        dns = self.start(Dns({"ok.test": [["10.255.255.1", "127.0.0.1", "fd00::1"]]}))
        server = self.server()
        proxy = self.proxy([("ok.test", server.port, HERE)], dns=dns, limits={"connect_timeout_ms": 60000})
        self.assertEqual(proxy.get("ok.test", server.port).status, 200)

    def test_no_search_domains(self):
        dns = self.start(Dns({}))
        proxy = self.proxy([("absent.test", 80)], dns=dns)
        self.refused(proxy.get("absent.test", 80), "egress.upstream.resolve", 502)
        self.assertEqual({name for name, _ in dns.queries}, {"absent.test"})

    def test_silent_name_server(self):
        dns = self.start(Dns({}, silent=True))
        proxy = self.proxy([("ok.test", 80)], dns=dns, limits={"resolve_timeout_ms": 300})
        self.refused(proxy.get("ok.test", 80), "egress.upstream.resolve", 504)

    def test_two_questions_at_once(self):
        dns = self.start(Dns({"a.test": [["127.0.0.1"]], "b.test": [["127.0.0.1"]]}))
        server = self.server()
        proxy = self.proxy([("a.test", server.port, HERE), ("b.test", server.port, HERE)], dns=dns)
        socks = []
        for name in ("a.test", "b.test"):
            sock = proxy.connect()
            sock.sendall(b"GET http://%s:%d/ HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (
                name.encode(), server.port, name.encode(), server.port))
            socks.append(sock)
        self.assertEqual([Answer(read_all(sock)).status for sock in socks], [200, 200])


class TlsTest(EgressTest):
    def setUp(self):
        directory = temp_dir()
        self.addCleanup(directory.cleanup)
        self.tls = self.start(TlsServer(directory.name))
        self.egress = self.proxy([("tls.test", self.tls.port, HERE)], hosts={"tls.test": ["127.0.0.1"]},
                                 limits={"header_timeout_ms": 2000})
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def fetch(self, sni):
        sock, status = self.egress.tunnel("tls.test", self.tls.port)
        self.assertEqual(status, 200)
        with sock, self.context.wrap_socket(sock, server_hostname=sni) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: tls.test\r\n\r\n")
            return Answer(read_all(tls))

    def raw(self, *pieces):
        """What comes through the tunnel for these bytes."""
        sock, status = self.egress.tunnel("tls.test", self.tls.port)
        self.assertEqual(status, 200)
        with sock:
            for piece in pieces:
                sock.sendall(piece)
            return read_all(sock)

    def test_tunnel(self):
        self.assertEqual(self.fetch("tls.test").body, b"secret hello")
        _, hosts, _ = self.egress.finish()
        record = hosts[("tls.test", self.tls.port)]
        self.assertGreater(record["bytes_in"], len(b"secret hello"))
        self.assertGreater(record["bytes_out"], 200)

    def test_other_server_name(self):
        with self.assertRaisesRegex(ssl.SSLError, "ACCESS_DENIED|alert access denied"):
            self.fetch("evil.test")
        self.assertEqual(self.tls.received, [])
        denials, hosts, _ = self.egress.finish()
        self.assertEqual(hosts[("tls.test", self.tls.port)]["bytes_out"], 0)
        self.assertIn(("egress.tls.sni", "tls.test:%d (SNI evil.test)" % self.tls.port, "tls"), denials)

    def test_no_server_name(self):
        with self.assertRaises(ssl.SSLError):
            self.fetch(None)
        self.assertEqual([key[0] for key in self.egress.finish()[0]], ["egress.tls.sni"])

    def test_not_tls(self):
        for text in (b"GET / HTTP/1.1\r\nHost: tls.test\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x80\x2e\x01\x03\x01"):
            with self.subTest(text=text):
                self.refused(Answer(self.raw(text)), "egress.tls.not_tls")
        self.assertEqual(self.egress.finish()[1][("tls.test", self.tls.port)]["bytes_out"], 0)

    def test_hello_in_single_bytes(self):
        # Accepted by the proxy, so that what answers is the server (with an alert: it is a poor hello).
        hello = client_hello("tls.test")
        self.raw(*[hello[i:i + 1] for i in range(len(hello))])
        denials, hosts, _ = self.egress.finish()
        self.assertEqual(denials, {})
        self.assertEqual(hosts[("tls.test", self.tls.port)]["bytes_out"], len(hello))

    def test_hello_over_several_records(self):
        hello = client_hello("tls.test", split=[1, 3, 20, 1000])
        self.raw(hello)
        self.assertEqual(self.egress.finish()[0], {})

    def test_name_hidden_behind_the_record_border(self):
        self.assertEqual(self.raw(client_hello("evil.test", split=[50, 1000]))[:2], b"\x15\x03")
        self.assertEqual([key[0] for key in self.egress.finish()[0]], ["egress.tls.sni"])

    def test_encrypted_hello(self):
        self.assertEqual(self.raw(client_hello("tls.test", extra=b"\xfe\x0d\0\x04abcd"))[:2], b"\x15\x03")
        self.assertEqual([key[0] for key in self.egress.finish()[0]], ["egress.tls.ech"])

    def test_two_server_names(self):
        double = client_hello("tls.test", extra=b"\0\0\0\x0e\0\x0c\0\0\x09evil.test")
        self.assertEqual(self.raw(double)[:2], b"\x15\x03")
        self.assertEqual([key[0] for key in self.egress.finish()[0]], ["egress.tls.malformed"])

    def test_slow_hello(self):
        # The server times out nothing: the proxy ends it.
        self.assertEqual(self.raw(client_hello("tls.test")[:20]), b"")

    def test_host_of_connect_must_agree(self):
        self.refused(self.egress.ask("CONNECT tls.test:%d HTTP/1.1\r\nHost: evil.test\r\n\r\n" % self.tls.port),
                     "egress.request.target")

    def test_connect_without_port(self):
        self.refused(self.egress.ask("CONNECT tls.test HTTP/1.1\r\nHost: tls.test\r\n\r\n"), "egress.request.target")


class RequestTest(EgressTest):
    """Nothing in here may reach the server."""

    def setUp(self):
        self.egress, self.upstream = self.one(limits={"header_timeout_ms": 600, "idle_timeout_ms": 700})

    def send(self, fields, line=None, body=""):
        line = line or "POST http://ok.test:%d/ HTTP/1.1" % self.upstream.port
        host = "" if "Host:" in fields else "Host: ok.test:%d\r\n" % self.upstream.port
        return self.egress.ask(line + "\r\n" + host + fields + "\r\n" + body)

    def assert_refused(self, answer, rule, status=403):
        self.refused(answer, rule, status)
        self.assertEqual(self.upstream.received, [])

    def test_content_length_beside_transfer_encoding(self):
        self.assert_refused(self.send("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", body="0\r\n\r\n"),
                            "egress.request.framing")
        self.assert_refused(self.send("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", body="0\r\n\r\n"),
                            "egress.request.framing")

    def test_two_content_lengths(self):
        for second in ("6", "5"):
            self.assert_refused(self.send("Content-Length: 5\r\nContent-Length: %s\r\n" % second, body="hello"),
                                "egress.request.framing")

    def test_strange_content_lengths(self):
        for text in ("+5", "-1", "0x5", "5, 5", "5 5", "", "99999999999999999999"):
            with self.subTest(text=text):
                self.assert_refused(self.send("Content-Length: %s\r\n" % text, body="hello"), "egress.request.framing")

    def test_strange_transfer_encodings(self):
        for text in ("xchunked", "chunked, identity", "identity", "gzip, chunked", "chunked\r\nTransfer-Encoding: x",
                     "chunked,", "\x0bchunked"):
            with self.subTest(text=text):
                answer = self.send("Transfer-Encoding: %s\r\n" % text, body="0\r\n\r\n")
                self.assertEqual(answer.status, 403)
                self.assertIn(answer.rule, ("egress.request.framing", "egress.request.syntax"))
        self.assertEqual(self.upstream.received, [])

    def test_transfer_encoding_in_http_1_0(self):
        self.assert_refused(self.send("Transfer-Encoding: chunked\r\n", body="0\r\n\r\n",
                                      line="POST http://ok.test:%d/ HTTP/1.0" % self.upstream.port),
                            "egress.request.framing")

    def test_folded_line(self):
        self.assert_refused(self.send("X: a\r\n b\r\n"), "egress.request.syntax")
        self.assert_refused(self.send("Transfer-Encoding:\r\n chunked\r\n", body="0\r\n\r\n"), "egress.request.syntax")

    def test_bare_line_feed(self):
        self.assert_refused(self.send("X: a\nY: b\r\n"), "egress.request.syntax")
        self.assert_refused(self.egress.ask("GET http://ok.test/ HTTP/1.1\nHost: ok.test\n\n"), "egress.request.syntax")

    def test_bare_carriage_return(self):
        self.assert_refused(self.send("X: a\rTransfer-Encoding: chunked\r\n"), "egress.request.syntax")

    def test_control_characters(self):
        for text in ("X: a\0b\r\n", "X\x01: a\r\n", "X: \x7f\r\n"):
            with self.subTest(text=text):
                self.assert_refused(self.send(text), "egress.request.syntax")

    def test_space_before_the_colon(self):
        self.assert_refused(self.send("Content-Length : 5\r\n", body="hello"), "egress.request.syntax")

    def test_empty_line_in_front(self):
        self.assert_refused(self.egress.ask("\r\nGET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n"),
                            "egress.request.syntax")

    def test_two_hosts(self):
        self.assert_refused(self.send("Host: ok.test:%d\r\nHost: evil.test\r\n" % self.upstream.port),
                            "egress.request.framing")

    def test_host_and_target_disagree(self):
        self.assert_refused(self.send("Host: evil.test\r\n"), "egress.request.target")
        self.assert_refused(self.send("Host: ok.test:1\r\n"), "egress.request.target")

    def test_no_host(self):
        self.assert_refused(self.egress.ask("GET http://ok.test:%d/ HTTP/1.1\r\n\r\n" % self.upstream.port),
                            "egress.request.syntax")

    def test_targets_that_are_no_http_url(self):
        for target in ("/", "*", "ok.test:80", "https://ok.test/", "ftp://ok.test/", "http:///x", "http://",
                       "http://user@ok.test/", "http://user:pw@ok.test/", "http://ok.test:80x/", "http://ok.test:0/",
                       "http://ok.test:99999/", "http://ok.test/#f", "http://ok.test\\@evil.test/"):
            with self.subTest(target=target):
                self.assert_refused(self.egress.ask("GET %s HTTP/1.1\r\nHost: ok.test\r\n\r\n" % target),
                                    "egress.request.target")

    def test_websocket(self):
        self.assert_refused(self.send("Connection: Upgrade\r\nUpgrade: websocket\r\n"), "egress.request.upgrade")

    def test_connect_with_a_body(self):
        self.assert_refused(self.egress.ask("CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 3\r\n\r\nabc"),
                            "egress.request.framing")

    def test_other_protocols(self):
        for text in (b"\x16\x03\x01\0\x05hello", b"\x05\x01\0", b"\0\0\0"):
            with self.subTest(text=text):
                self.assert_refused(self.egress.ask(text), "egress.request.syntax")

    def test_http_2(self):
        self.assert_refused(self.egress.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "egress.request.syntax")

    def test_slow_head(self):
        with self.egress.connect() as sock:
            sock.sendall(b"GET http://ok.test/ HTTP/1.1\r\n")
            self.assert_refused(Answer(read_all(sock)), "egress.request.timeout", 408)

    def test_trickling_head(self):
        # A byte now and then does not keep it alive: one deadline for the whole head.
        with self.egress.connect() as sock:
            sock.settimeout(0.05)
            data = b""
            for byte in b"GET http://ok.test/ HTTP/1.1\r\nX: " + b"a" * 400:
                try:
                    sock.sendall(bytes([byte]))
                    data = sock.recv(65536)
                    break
                except socket.timeout:
                    continue
            sock.settimeout(10)
            self.assert_refused(Answer(data + read_all(sock)), "egress.request.timeout", 408)

    def test_huge_head(self):
        self.assert_refused(self.send("X: %s\r\n" % ("a" * 9000)), "egress.request.too_large", 431)
        self.assert_refused(self.send("".join("X%d: a\r\n" % i for i in range(2000))), "egress.request.too_large", 431)

    def test_query_strings_are_in_no_record(self):
        self.egress.get("evil.test", 80, "/?secret=hunter2")
        self.assertNotIn("hunter2", str(self.egress.finish()))


class ExchangeTest(EgressTest):
    def test_pipelined_request_is_not_forwarded(self):
        proxy, server = self.one()
        request = "GET http://ok.test:%d/%%s HTTP/1.1\r\nHost: ok.test:%d\r\n\r\n" % (server.port, server.port)
        answer = proxy.ask(request % "one" + request % "two")
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(server.received), 1)
        self.assertNotIn(b"two", server.received[0])

    def test_bytes_behind_a_body_are_not_forwarded(self):
        proxy, server = self.one()
        answer = proxy.ask("POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nContent-Length: 2\r\n\r\n"
                           "abGET /evil HTTP/1.1\r\n\r\n" % (server.port, server.port))
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(server.received), 1)
        self.assertTrue(server.received[0].endswith(b"\r\n\r\nab"), server.received)

    def test_head_is_written_anew(self):
        proxy, server = self.one()
        proxy.get("ok.test", server.port, "/path?q=1",
                  "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 9\r\nProxy-Authorization: Basic eA==\r\n"
                  "Proxy-Connection: keep-alive\r\nTE: trailers\r\nX-Kept: yes\r\n")
        head = server.received[0].decode()
        self.assertTrue(head.startswith("GET /path?q=1 HTTP/1.1\r\nHost: ok.test:%d\r\n" % server.port), head)
        self.assertIn("X-Kept: yes\r\n", head)
        self.assertIn("Connection: close\r\n", head)
        for gone in ("X-Mine", "Keep-Alive", "Proxy-", "TE:", "keep-alive"):
            self.assertNotIn(gone, head)

    def test_named_by_connection_does_not_remove_the_framing(self):
        proxy, server = self.one()
        answer = proxy.ask("POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nConnection: Content-Length, Host\r\n"
                           "Content-Length: 2\r\n\r\nab" % (server.port, server.port))
        self.assertEqual(answer.status, 200)
        self.assertIn(b"Content-Length: 2\r\n", server.received[0])
        self.assertIn(b"Host: ok.test", server.received[0])

    def test_chunked_both_ways(self):
        serve = responder(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nT: 1\r\n\r\n")
        proxy, server = self.one(serve)
        answer = proxy.ask("POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "2\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n" % (server.port, server.port))
        self.assertEqual(unchunk(answer.body), b"abcdefg")
        self.assertEqual(unchunk(server.received[0].partition(b"\r\n\r\n")[2]), b"hi0123456789")

    def test_bad_chunk(self):
        proxy, server = self.one()
        answer = proxy.ask("POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "zz\r\nhi\r\n" % (server.port, server.port))
        self.refused(answer, "egress.request.framing")

    def test_large_bodies(self):
        text = os.urandom(1 << 20)
        proxy, server = self.one(ok(text))
        answer = proxy.ask(b"POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nContent-Length: %d\r\n\r\n%s" % (
            server.port, server.port, len(text), text))
        self.assertEqual(answer.body, text)
        self.assertTrue(server.received[0].endswith(text))
        record = proxy.finish()[1][("ok.test", server.port)]
        self.assertEqual(record["bytes_in"], len(text) + len(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"))
        self.assertEqual(record["bytes_out"], len(server.received[0]))

    def test_response_until_the_end(self):
        proxy, server = self.one(responder(b"HTTP/1.0 200 OK\r\n\r\nall of it"))
        self.assertEqual(proxy.get("ok.test", server.port).body, b"all of it")

    def test_head(self):
        proxy, server = self.one(responder(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"))
        answer = proxy.get("ok.test", server.port, method="HEAD")
        self.assertEqual((answer.status, answer.headers["content-length"], answer.body), (200, "500", b""))

    def test_no_content(self):
        proxy, server = self.one(responder(b"HTTP/1.1 204 No Content\r\n\r\n"))
        self.assertEqual(proxy.get("ok.test", server.port).status, 204)

    def test_expect_continue(self):
        proxy, server = self.one()
        answer = proxy.ask("POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nExpect: 100-continue\r\n"
                           "Content-Length: 2\r\n\r\nab" % (server.port, server.port))
        self.assertTrue(answer.data.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), answer.data)
        self.assertNotIn(b"Expect", server.received[0])

    def test_interim_responses_are_dropped(self):
        proxy, server = self.one(responder(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                                           b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
        answer = proxy.get("ok.test", server.port)
        self.assertEqual((answer.status, answer.body), (200, b"ok"))

    def test_redirect_is_judged_as_a_new_request(self):
        proxy, server = self.one(responder(b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n"))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"http": "http://127.0.0.1:%d" % proxy.port}))
        with self.assertRaises(urllib.error.HTTPError) as caught:
            opener.open("http://ok.test:%d/" % server.port, timeout=20)
        with caught.exception as error:
            self.assertEqual(error.code, 403)
            self.assertIn(b'"egress.host"', error.read())
        self.assertIn(("egress.host", "evil.test:80", "request"), proxy.finish()[0])

    def test_bad_responses(self):
        for response in (b"", b"garbage\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                         b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                         b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                         b"HTTP/1.1 200 OK\r\nX: %s\r\n\r\n" % (b"a" * 20000), b"HTTP/1.1 100 Continue\r\n\r\n" * 30):
            with self.subTest(response=response[:40]):
                proxy, server = self.one(responder(response))
                self.refused(proxy.get("ok.test", server.port), "egress.upstream.response", 502)

    def test_host_refuses(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        proxy = self.proxy([("ok.test", port, HERE)], hosts={"ok.test": ["127.0.0.1"]})
        self.refused(proxy.get("ok.test", port), "egress.upstream.connect", 502)
        self.assertEqual(proxy.finish()[1][("ok.test", port)]["failures"], 1)

    def test_host_does_not_answer(self):
        def wait(sock):
            sock.recv(65536)
            sock.recv(65536)
        proxy, server = self.one(wait, limits={"idle_timeout_ms": 400})
        self.refused(proxy.get("ok.test", server.port), "egress.upstream.timeout", 504)

    def test_slow_body(self):
        proxy, server = self.one(read_request, limits={"idle_timeout_ms": 400})
        with proxy.connect() as sock:
            sock.sendall(b"POST http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\nContent-Length: 100\r\n\r\nabc" % (
                server.port, server.port))
            self.refused(Answer(read_all(sock)), "egress.request.timeout", 408)


class ProcessTest(EgressTest):
    def test_too_many_connections(self):
        proxy, server = self.one(limits={"connections": 4})
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(proxy.connect()) for _ in range(4)]
            # They count once they are accepted, in order; the fifth is behind them.
            self.refused(proxy.ask(b""), "egress.limit.connections", 503)
            del idle
        # And room again when they are gone: the proxy sees their ends before a later connection's bytes.
        statuses = set()
        for _ in range(100):
            answer = proxy.get("ok.test", server.port)
            statuses.add(answer.status)
            if answer.status == 200:
                break
        self.assertIn(200, statuses)
        self.assertIn(("egress.limit.connections", "(proxy)", "connect"), proxy.finish()[0])

    def test_flood_of_names_is_counted_within_bounds(self):
        proxy, _ = self.one()
        for i in range(400):
            proxy.get("n%d.evil.test" % i, 80)
        denials, _, complete = proxy.finish()
        self.assertTrue(complete)
        self.assertLessEqual(len(denials), 130)
        self.assertEqual(sum(denial["count"] for denial in denials.values()), 400)
        self.assertEqual(denials[("egress.host", "(others)", "request")]["count"], 400 - 128)

    def test_flood_does_not_hide_a_later_rule(self):
        proxy, _ = self.one()
        for i in range(150):
            proxy.get("n%d.evil.test" % i, 80)
        proxy.get("127.0.0.1", 80)
        self.assertIn("egress.host.literal", {key[0] for key in proxy.finish()[0]})

    def test_equal_denials_are_one_record(self):
        proxy, _ = self.one()
        for _ in range(3):
            proxy.get("evil.test", 80)
        denial = proxy.finish()[0][("egress.host", "evil.test:80", "request")]
        self.assertEqual(denial["count"], 3)
        self.assertLess(denial["first_unix_ns"], denial["last_unix_ns"])

    def test_killed_proxy_refuses_all(self):
        proxy, server = self.one()
        with proxy.connect() as sock:
            proxy.get("evil.test", 80)
            proxy.kill()
            denials, _, complete = proxy.drain()
            self.assertEqual(read_all(sock), b"")
        self.assertFalse(complete)
        # What happened before is known.
        self.assertIn(("egress.host", "evil.test:80", "request"), denials)
        with self.assertRaises(ConnectionRefusedError):
            proxy.connect()
        self.assertEqual(server.connections, 0)

    def test_ends_with_its_runner(self):
        proxy, _ = self.one()
        with proxy.connect() as sock:
            proxy.control.close()
            self.assertEqual(read_all(sock), b"")
        self.assertEqual(os.waitpid(proxy.pid, 0)[1], 0)
        proxy.ended = True

    @unittest.skipIf(UID == 0, "needs root: without it the proxy stays who it is")
    def test_confined(self):
        proxy, _ = self.one()
        with open("/proc/%d/status" % proxy.pid) as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(set(status["Uid"].split("\t")), {str(UID)})
        self.assertEqual(set(status["Gid"].split("\t")), {str(UID)})
        self.assertEqual(status["Groups"].strip(), "")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertEqual(sorted(os.listdir("/proc/%d/task" % proxy.pid)), [str(proxy.pid)])
        with open("/proc/%d/limits" % proxy.pid) as file:
            limits = file.read()
        self.assertRegex(limits, r"Max core file size +0 +0")
        self.assertRegex(limits, r"Max open files +160 +160")

    def test_bad_config(self):
        for config, word in (({"version": 1}, "missing"), ({"version": 2}, ""), ("x", "")):
            proxy = Proxy([], raw_config=config)
            self.assertEqual(proxy.first["event"], "failed")
            self.assertIn(word, proxy.first["why"])
            proxy.close()

    def test_rules_that_are_no_rules(self):
        for host in ("*", "*.com", "10.0.0.1", "a b", "", "*.*.example.com", "[::1]"):
            proxy = Proxy([(host, 80)])
            self.assertEqual(proxy.first["event"], "failed", host)
            proxy.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
