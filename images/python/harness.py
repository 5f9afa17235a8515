# SPDX-License-Identifier: Apache-2.0
"""/usr/lib/vortex/harness.py module:function, run inside the sandbox.

Reads the payload (one JSON text) from stdin, imports the plugin's entrypoint from /plugin, calls it and ends stdout
with one record: RS {"vortex":"result","token":"<token>","ok":true,"value":...} LF (docs/user/plugin-protocol.md).

The plugin shares this process and can find everything in it, the token included. The token does not stop a plugin from
making up its own result; it stops bytes that an honest plugin prints for somebody else from becoming the result.
"""
import fcntl
import json
import os
import sys

PLUGIN_DIR = "/plugin"
MAX_RESULT_BYTES = 16 << 20
MAX_TRACEBACK_CHARS = 16 << 10
EXIT_FAILED = 1
EXIT_NOT_CALLABLE = 126
EXIT_NOT_FOUND = 127


class Failure(Exception):
    """An end that is not the plugin's exception: kind as in the protocol, and the exit code."""

    def __init__(self, kind, message, code=EXIT_FAILED):
        super().__init__(message)
        self.kind = kind
        self.code = code


class RecordWriter:
    """Writes the one record to a descriptor that the plugin's prints do not go through."""

    def __init__(self):
        self.token = os.environ.pop("VORTEX_RESULT_TOKEN", "")
        # High, so that a plugin that closes the usual descriptors leaves it alone; close-on-exec by default.
        self.fd = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 200)

    def write(self, body):
        head = '\x1e{"vortex":"result","token":"%s",' % self.token
        self._write_all(head.encode() + body + b"}\n")

    def _write_all(self, data):
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.fd, view):]
            except BlockingIOError:
                # The plugin made the shared pipe non-blocking.
                import select
                select.select([], [self.fd], [])

    def value(self, text):
        self.write(b'"ok":true,"value":' + text)

    def error(self, **fields):
        error = {key: value for key, value in fields.items() if value is not None}
        self.write(b'"ok":false,"error":' + json.dumps(error).encode())


def read_payload():
    data = sys.stdin.buffer.read()
    # The plugin finds an empty stdin instead of a closed one.
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Failure("bad_payload", "the payload is not usable JSON: %s" % error) from None


def load_entrypoint(name):
    module_name, _, function_name = name.partition(":")
    sys.path.insert(0, PLUGIN_DIR)
    import importlib
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # Only when it is the entrypoint itself that is missing; what the plugin imports is its own affair.
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            raise Failure("entrypoint_not_found", "no module %r in the bundle" % module_name, EXIT_NOT_FOUND) from None
        raise
    try:
        function = getattr(module, function_name)
    except AttributeError:
        raise Failure("entrypoint_not_found", "module %r has no %r" % (module_name, function_name),
                      EXIT_NOT_FOUND) from None
    if not callable(function):
        raise Failure("entrypoint_not_callable", "%s is a %s, not a function" % (name, type(function).__name__),
                      EXIT_NOT_CALLABLE)
    return function


def call(function, payload):
    result = function(payload)
    if hasattr(result, "__await__"):
        import asyncio

        async def wait():
            return await result

        return asyncio.run(wait())
    return result


def to_json(value):
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise Failure("result_not_json", "the return value is not JSON: " + find_problem(value, "$", [])) from None
    problem = None if fully_string_keyed(value) else find_problem(value, "$", [])
    if problem:
        raise Failure("result_not_json", "the return value is not JSON: " + problem)
    if len(text) > MAX_RESULT_BYTES:
        raise Failure("result_not_json",
                      "the return value takes %d bytes; at most %d are allowed" % (len(text), MAX_RESULT_BYTES))
    return text


def fully_string_keyed(value):
    """json.dumps turns 1, True and None as keys into strings without a word; that is refused."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if any(not isinstance(key, str) for key in item):
                return False
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return True


def find_problem(value, path, above):
    """Where the value is not JSON, and why."""
    if len(above) > 200:
        return "%s: nested too deep" % path[:80]
    if any(value is other for other in above):
        return "%s: contains itself" % path
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return "%s: the key %r is a %s, not a str" % (path, key, type(key).__name__)
            found = find_problem(item, "%s.%s" % (path, key), above + [value])
            if found:
                return found
        return None
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            found = find_problem(item, "%s[%d]" % (path, index), above + [value])
            if found:
                return found
        return None
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "%s: %r is not a JSON number" % (path, value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return None
    return "%s: a %s is not a JSON type" % (path, type(value).__name__)


def plugin_traceback(error):
    import traceback
    frames = traceback.TracebackException.from_exception(error)
    # Our own frames at the top say nothing about the plugin.
    frames.stack = traceback.StackSummary.from_list(
        [frame for frame in frames.stack if frame.filename != __file__])
    return "".join(frames.format())[-MAX_TRACEBACK_CHARS:]


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # closed or replaced by the plugin


def report_exit(record, code):
    if code is None:
        code = 0
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = EXIT_FAILED
    code &= 0xFF
    flush()
    record.error(kind="exit", type="SystemExit", message="sys.exit(%d)" % code, code=code)
    return code


def report_exception(record, error):
    text = plugin_traceback(error)
    try:
        sys.stderr.write(text)
    except (AttributeError, OSError, ValueError):
        pass
    flush()
    is_os_error = isinstance(error, OSError)
    filename = error.filename if is_os_error and isinstance(error.filename, str) else None
    record.error(kind="exception", type=type(error).__name__, message=str(error)[:4096], traceback=text,
                 errno=error.errno if is_os_error else None, filename=filename)
    return EXIT_FAILED


def run(record, entrypoint):
    try:
        payload = read_payload()
        text = to_json(call(load_entrypoint(entrypoint), payload))
        flush()
        record.value(text)
        return 0
    except Failure as failure:
        sys.setrecursionlimit(1000)
        flush()
        record.error(kind=failure.kind, type=type(failure).__name__, message=str(failure))
        return failure.code
    except SystemExit as stop:
        return report_exit(record, stop.code)
    except BaseException as error:  # noqa: B902: whatever the plugin raises is its end
        sys.setrecursionlimit(1000)
        return report_exception(record, error)


if __name__ == "__main__":
    writer = RecordWriter()
    exit_code = run(writer, sys.argv[1])
    # Threads and tasks that the plugin left do not keep it alive.
    os._exit(exit_code)
