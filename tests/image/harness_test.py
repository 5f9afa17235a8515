#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The harness by itself: no sandbox, a bundle in a temporary directory, the interpreter flags of the sandbox."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import textwrap
import unittest

HARNESS = str(pathlib.Path(__file__).resolve().parents[2] / "images/python/harness.py")
TOKEN = "0123456789abcdef" * 2
PREFIX = b'\x1e{"vortex":"result","token":"%s",' % TOKEN.encode()


class Run:
    """One call of the harness: exit code, the two streams, and the record when stdout ends with one."""

    def __init__(self, done):
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr.decode(errors="replace")
        self.record = None
        start = self.stdout.rfind(PREFIX)
        if start >= 0:
            assert self.stdout.endswith(b"}\n"), self.stdout[-80:]
            self.record = json.loads(self.stdout[start + 1:])
            self.stdout = self.stdout[:start]

    @property
    def error(self):
        assert self.record is not None and self.record["ok"] is False, (self.record, self.stderr)
        return self.record["error"]

    @property
    def value(self):
        assert self.record is not None and self.record["ok"] is True, (self.record, self.stderr)
        return self.record["value"]


class HarnessTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="vortex-harness-")
        self.addCleanup(temporary.cleanup)
        self.bundle = pathlib.Path(temporary.name)

    def run_plugin(self, code, payload="null", entrypoint="main:run", setup=None, **files):
        (self.bundle / "main.py").write_text(textwrap.dedent(code))
        for name, text in files.items():
            (self.bundle / (name + ".py")).write_text(textwrap.dedent(text))
        data = payload if isinstance(payload, bytes) else payload.encode()
        return Run(subprocess.run(
            ["/usr/bin/python3", "-I", "-S", "-B", HARNESS, entrypoint], input=data, capture_output=True, timeout=60,
            cwd=self.bundle, env={"PATH": "/usr/bin", "LANG": "C.UTF-8", "VORTEX_RESULT_TOKEN": TOKEN}, preexec_fn=setup))

    def returning(self, expression, payload="null"):
        return self.run_plugin("def run(payload):\n    return " + expression, payload)


class Values(HarnessTest):
    def test_the_record_is_byte_exact_and_last(self):
        (self.bundle / "main.py").write_text("def run(p):\n    print('text')\n    return [p, 'ü']")
        done = subprocess.run(["/usr/bin/python3", "-I", "-S", "-B", HARNESS, "main:run"], input=b'{"a": 1}',
                              cwd=self.bundle, env={"VORTEX_RESULT_TOKEN": TOKEN}, capture_output=True, check=True)
        self.assertEqual(done.stdout, b"text\n" + PREFIX + b'"ok":true,"value":[{"a":1},"' + "ü".encode() + b'"]}\n')

    def test_payloads_are_read_as_the_json_module_reads_them(self):
        for text in ('null', ' [1, 2.5, -3e2, 1e400, true]\n', '{"a": {"a": [], "": {}}, "b": "\\ud83d\\ude00\\u00e9\\n"}',
                     '"ünï"', '0.1', '123456789012345678901234567890', '{"twice": 1, "twice": 2}', "[" * 150 + "]" * 150):
            if "1e400" in text:
                run = self.returning("repr(payload)", text)
                self.assertEqual(run.value, repr(json.loads(text)))
                continue
            self.assertEqual(self.returning("payload", text).value, json.loads(text), text)

    def test_results_are_written_as_the_json_module_writes_them(self):
        for value in ({"a": [1, 2.5, None, True], "b": {"c": "\x00\x1e\n\u2028\U0001F600\"\\"}}, "x", 1e300, -0.0, [], {}, 10**30):
            self.assertEqual(self.returning(repr(value)).value, json.loads(json.dumps(value)), value)
        self.assertEqual(self.returning("(1, (2,))").value, [1, [2]])

    def test_a_coroutine_or_awaitable_is_awaited(self):
        run = self.run_plugin("""
            import asyncio
            async def run(payload):
                asyncio.get_running_loop().create_task(asyncio.sleep(600))  # left behind
                await asyncio.sleep(0)
                return "async"
            """)
        self.assertEqual(run.value, "async")
        run = self.run_plugin("""
            class Later:
                def __await__(self):
                    yield
                    return "later"
            def run(payload):
                return Later()
            """)
        self.assertEqual(run.value, "later")

    def test_sixteen_mebibytes_pass_and_one_byte_more_does_not(self):
        limit = 16 << 20
        self.assertEqual(len(self.returning("'x' * %d" % (limit - 2)).value), limit - 2)
        run = self.returning("'x' * %d" % (limit - 1))
        self.assertEqual((run.error["kind"], run.code), ("result_not_json", 1))
        self.assertIn("takes %d bytes" % (limit + 1), run.error["message"])


class NotJson(HarnessTest):
    def test_the_message_names_the_place(self):
        for expression, part in (
                ("{'items': [0, 1, 2, {'when': {1}}]}", "$.items[3].when: type set"),
                ("[float('nan')]", "$[0]: nan is not a JSON number"), ("{'a': -float('inf')}", "$.a: -inf"),
                ("b'x'", "$: type bytes"), ("{'a': {1: 2}}", "$.a: the key 1 is of type int"),
                ("{None: 2}", "the key None is of type NoneType"), ("{(1,): 2}", "of type tuple"),
                ("['\\udc80']", "$[0]: 'utf-8' codec can't encode"), ("{'\\udc80': 1}", "can't encode"),
                ("10 ** 5000", "4300"), ("object()", "$: type object"), ("__import__('sys')", "$: type module")):
            run = self.returning(expression)
            self.assertEqual((run.error["kind"], run.code), ("result_not_json", 1), expression)
            self.assertIn(part, run.error["message"], expression)
            self.assertIn("result_not_json: ", run.stderr)

    def test_cycles_and_depth(self):
        run = self.run_plugin("def run(p):\n    a = {'x': []}\n    a['x'].append(a)\n    return a")
        self.assertIn("$.x[0]: contains itself", run.error["message"])
        nest = "def run(p):\n    v = 1\n    for _ in range(%d): v = [v]\n    return v"
        self.assertTrue(self.run_plugin(nest % 200).value)
        for depth in (201, 5000, 300000):
            self.assertIn("nested deeper than 200", self.run_plugin(nest % depth).error["message"])
        run = self.run_plugin("import sys\n" + nest.replace("v = 1", "v = 1; sys.setrecursionlimit(10**9)") % 300000)
        self.assertEqual(run.error["kind"], "result_not_json")

    def test_bad_payloads(self):
        for payload in (b"", b"  ", b"{", b"NaN", b"[Infinity]", b"1 2", b"\xff", b'"\xc3"', b"[" * 100_000 + b"]" * 100_000,
                        b"\xef\xbb\xbf1", b'"a\nb"'):
            run = self.returning("payload", payload)
            self.assertEqual((run.error["kind"], run.code), ("bad_payload", 1), payload[:20])


class Failures(HarnessTest):
    def test_an_exception_has_type_message_and_the_plugins_frames(self):
        run = self.run_plugin("""
            import helper
            def run(payload):
                return helper.deeper({})
            """, helper="def deeper(d):\n    return d['missing']\n")
        self.assertEqual((run.code, run.error["kind"], run.error["type"], run.error["message"]),
                         (1, "exception", "KeyError", "'missing'"))
        lines = run.error["traceback"].splitlines()
        self.assertEqual(lines[0], "Traceback (most recent call last):")
        self.assertIn("main.py\", line 4, in run", lines[1])
        self.assertIn("return d['missing']", run.error["traceback"])
        self.assertNotIn("vortex_harness", run.error["traceback"])
        self.assertEqual(run.stderr, run.error["traceback"])
        self.assertNotIn("errno", run.error)

    def test_an_exception_of_a_coroutine_shows_no_event_loop(self):
        run = self.run_plugin("async def run(p):\n    raise ValueError('x') from KeyError('y')")
        self.assertNotIn("asyncio", run.error["traceback"])
        self.assertIn("KeyError: 'y'", run.error["traceback"])

    def test_an_os_error_has_errno_and_filename(self):
        error = self.returning("open('/no/such\\udc80file')").error
        self.assertEqual((error["type"], error["errno"], error["filename"]),
                         ("FileNotFoundError", 2, "/no/such\\udc80file"))
        error = self.run_plugin("""
            def run(payload):
                try:
                    open("/no/such")
                except OSError:
                    raise ValueError("unrelated") from None
            """).error
        self.assertNotIn("errno", error)

    def test_tracebacks_are_bounded_and_keep_their_end(self):
        run = self.returning("[][0] if False else 1 / 0" + " " * 10)
        run = self.run_plugin("""
            def run(payload):
                raise ValueError("ü" * 100000 + "END")
            """)
        self.assertLessEqual(len(run.error["traceback"].encode()), 16 << 10)
        self.assertTrue(run.error["traceback"].endswith("END\n"))
        self.assertEqual(len(run.error["message"]), 4096)
        run = self.run_plugin("def run(payload):\n    return run(payload)")
        self.assertEqual(run.error["type"], "RecursionError")

    def test_hostile_exceptions_still_leave_a_record(self):
        run = self.run_plugin("""
            class Bad(Exception):
                def __str__(self):
                    raise SystemExit(9)
            def run(payload):
                raise Bad()
            """)
        self.assertEqual((run.code, run.error["type"]), (1, "Bad"))
        run = self.run_plugin("import sys\ndef run(p):\n    sys.setrecursionlimit(40)\n    raise ValueError('x')")
        self.assertEqual(run.error["message"], "x")
        run = self.run_plugin("""
            import sys
            class Stream:
                def write(self, text): sys.exit(5)
                flush = fileno = write
            def run(payload):
                sys.stderr = sys.stdout = Stream()
                raise KeyboardInterrupt
            """)
        self.assertEqual((run.code, run.error["type"]), (1, "KeyboardInterrupt"))

    def test_sys_exit(self):
        for argument, code in (("", 0), ("0", 0), ("3", 3), ("256 + 7", 7), ("-1", 255), ("'why'", 1), ("True", 1)):
            run = self.run_plugin("import sys\ndef run(p):\n    sys.exit(%s)" % argument)
            self.assertEqual((run.code, run.error["kind"], run.error["code"]), (code, "exit", code), argument)
            self.assertEqual(run.stderr, "why\n" if "why" in argument else "")

    def test_no_record_after_os_exit_or_a_signal(self):
        run = self.run_plugin("import os\ndef run(p):\n    os._exit(0)")
        self.assertEqual((run.code, run.record), (0, None))
        run = self.run_plugin("import os, signal\ndef run(p):\n    os.kill(os.getpid(), signal.SIGTERM)")
        self.assertEqual((run.code, run.record), (-signal.SIGTERM, None))


class Entrypoints(HarnessTest):
    def test_missing_and_not_callable(self):
        for entrypoint, kind, code in (("nothing:run", "entrypoint_not_found", 127), ("main:missing", "entrypoint_not_found", 127),
                                       ("main.sub:run", "entrypoint_not_found", 127), ("main:number", "entrypoint_not_callable", 126)):
            run = self.run_plugin("number = 1", entrypoint=entrypoint)
            self.assertEqual((run.error["kind"], run.code), (kind, code), entrypoint)
            self.assertNotIn("traceback", run.error)

    def test_a_missing_import_of_the_plugin_is_an_exception(self):
        run = self.run_plugin("import main_helper\ndef run(p): pass")
        self.assertEqual((run.error["kind"], run.error["type"], run.code), ("exception", "ModuleNotFoundError", 1))
        self.assertIn("main.py", run.error["traceback"])
        self.assertNotIn("importlib", run.error["traceback"])

    def test_packages_and_syntax_errors(self):
        (self.bundle / "package").mkdir()
        (self.bundle / "package" / "module.py").write_text("def go(p): return 'deep'")
        self.assertEqual(self.run_plugin("", entrypoint="package.module:go").value, "deep")
        self.assertEqual(self.run_plugin("def run(:").error["type"], "SyntaxError")

    def test_the_bundle_wins_over_the_library_and_the_harness_still_works(self):
        run = self.run_plugin("import json, traceback\ndef run(p):\n    return json.mine, 1 / 0",
                              json="mine = 1", traceback="", re="", asyncio="")
        self.assertEqual((run.error["type"], run.code), ("ZeroDivisionError", 1))


class Streams(HarnessTest):
    def test_binary_prints_pass_untouched(self):
        run = self.run_plugin("""
            import os, sys
            def run(payload):
                print("text", end="")
                sys.stdout.flush()
                os.write(1, bytes(range(256)) * 64)
                sys.stdout.buffer.write(b"\\x1e{}\\n")
                return 1
            """)
        self.assertEqual(run.value, 1)
        self.assertEqual(run.stdout, b"text" + bytes(range(256)) * 64 + b"\x1e{}\n")

    def test_stdin_is_empty_for_the_plugin_and_the_token_out_of_its_environment(self):
        run = self.run_plugin("import os, sys\ndef run(p):\n    return [sys.stdin.read(), os.read(0, 1).decode(), "
                              "[n for n in os.environ if 'TOKEN' in n]]")
        self.assertEqual(run.value, ["", "", []])

    def test_whatever_the_plugin_did_to_stdout_the_record_arrives(self):
        for spoil in ("sys.stdout.close()", "os.close(1)", "sys.stdout = None", "sys.stdout = io.StringIO()",
                      "os.set_blocking(1, False)", "os.closerange(0, 100)", "os.dup2(2, 1)", "del sys.stdout",
                      "sys.stdout.detach()", "os.chdir('/')", "sys.path.clear()", "sys.modules.clear()",
                      "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))", "os.environ.clear()",
                      "threading.Thread(target=time.sleep, args=(600,)).start()"):
            run = self.run_plugin("import io, os, resource, sys, threading, time\ndef run(p):\n    " + spoil +
                                  "\n    return 'x' * 300000")
            self.assertEqual(len(run.value), 300000, spoil)

    def test_a_thread_that_goes_on_printing_does_not_tear_the_record(self):
        run = self.run_plugin("""
            import os, threading
            def noise():
                while True:
                    os.write(1, b"noise\\n")
            def run(payload):
                threading.Thread(target=noise, daemon=True).start()
                return "x" * 4_000_000
            """)
        self.assertEqual(len(run.value), 4_000_000)

    def test_a_closed_record_descriptor_is_said_and_fails(self):
        run = self.run_plugin("import os\ndef run(p):\n    os.closerange(3, 5000)")
        self.assertEqual((run.code, run.record), (1, None))
        self.assertIn("harness: no result record: OSError", run.stderr)

    def test_few_descriptors_are_enough(self):
        def limit():
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        self.assertEqual(self.run_plugin("def run(p):\n    return 1", setup=limit).value, 1)

    def test_a_forged_record_is_output(self):
        run = self.run_plugin("""
            def run(payload):
                print('\\x1e{"vortex":"result","token":"' + "0" * 32 + '","ok":true,"value":"forged"}')
                return "real"
            """)
        self.assertEqual(run.value, "real")
        self.assertIn(b"forged", run.stdout)


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
