# SPDX-License-Identifier: Apache-2.0
"""Calls a plugin's entrypoint inside the sandbox.

Reads the payload (one JSON text) from stdin, imports the plugin's entrypoint from the working directory (/plugin), calls
it and ends stdout with one record: RS {"vortex":"result","token":"<token>","ok":true,"value":...} LF
(docs/user/plugin-protocol.md).

The plugin shares this process and can find everything in it, the token included. The token does not stop a plugin from
making up its own result; it stops bytes that an honest plugin prints for somebody else from becoming the result.

Every run pays for what is imported here. The json package costs as much as the interpreter itself (it needs re), so its
C half is used directly; what only a failure needs is in vortex_failure.
"""
import _json
import fcntl
import os
import sys

MAX_RESULT_BYTES = 16 << 20
# Fewer than the 1000 that Python's own decoder takes on the caller's side.
MAX_RESULT_DEPTH = 200
CONTAINERS = (dict, list, tuple)
RECURSION_LIMIT = sys.getrecursionlimit()
# Taken before the plugin can change it.
BUNDLE = os.getcwd()
# High, so that a plugin that closes the usual descriptors leaves it alone; lower where the limit is.
RECORD_DESCRIPTORS = (200, 10, 3)
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
        for lowest in RECORD_DESCRIPTORS:
            try:
                self.fd = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, lowest)
                return
            except OSError as error:
                failure = error
        raise failure

    def write(self, body):
        # The plugin's threads may still print; not into the middle of the record.
        try:
            point_at_null(1, os.O_WRONLY)
        except OSError:
            pass  # it has no descriptor left to open
        # The plugin may have made the pipe non-blocking; the flag is shared by all who have it open.
        os.set_blocking(self.fd, True)
        head = '\x1e{"vortex":"result","token":"%s",' % self.token
        view = memoryview(head.encode() + body + b"}\n")
        while view:
            view = view[os.write(self.fd, view):]

    def value(self, text):
        self.write(b'"ok":true,"value":' + text)

    def error(self, fields):
        self.write(b'"ok":false,"error":' + dumps({key: item for key, item in fields.items() if item is not None}))


class JsonRules:
    """What json.loads() would tell its scanner, but for NaN and Infinity, which are not JSON."""
    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name):
        raise ValueError("%s is not JSON" % name)


def loads(data):
    """The value of a JSON text in UTF-8; ValueError or RecursionError."""
    text = data.decode().strip(" \t\n\r")
    try:
        value, end = _json.make_scanner(JsonRules)(text, 0)
        if end == len(text):
            return value
    except Exception:
        pass  # the scanner alone has no words for what is wrong
    import json
    return json.loads(text, parse_constant=JsonRules.parse_constant)


def dumps(value):
    """Compact JSON in UTF-8; TypeError, ValueError or RecursionError."""
    return "".join(_json.make_encoder({}, refuse, _json.encode_basestring, None, ":", ",", False, False, False)(
        value, 0)).encode()


def refuse(value):
    raise TypeError("type %s is not a JSON type" % type(value).__name__)


def point_at_null(descriptor, flags):
    null = os.open("/dev/null", flags)
    os.dup2(null, descriptor)
    os.close(null)


def read_payload():
    parts = []
    while part := os.read(0, 1 << 16):
        parts.append(part)
    # The plugin finds an empty stdin instead of a closed one.
    point_at_null(0, os.O_RDONLY)
    try:
        return loads(b"".join(parts))
    except (ValueError, RecursionError) as error:
        raise Failure("bad_payload", "the payload is not usable JSON: %s" % error) from None


def load_entrypoint(name):
    module_name, _, function_name = name.partition(":")
    sys.path.insert(0, BUNDLE)
    try:
        __import__(module_name)
    except ModuleNotFoundError as error:
        # Only when it is the entrypoint itself that is missing; what the plugin imports is its own affair.
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            raise Failure("entrypoint_not_found", "no module %r in the bundle" % module_name, EXIT_NOT_FOUND) from None
        raise
    module = sys.modules[module_name]
    try:
        function = getattr(module, function_name)
    except AttributeError:
        where = getattr(module, "__file__", None) or "built in"
        raise Failure("entrypoint_not_found", "module %r (%s) has no %r" % (module_name, where, function_name),
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

        # Not asyncio.run(), which waits for every task and thread that the plugin left.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(wait())
    return result


def to_json(value):
    try:
        text = dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise not_json(value, str(error)) from None
    if len(text) > MAX_RESULT_BYTES:
        raise Failure("result_not_json", "the return value takes %d bytes as JSON; at most %d are allowed" % (
            len(text), MAX_RESULT_BYTES))
    if not is_plain(value):
        raise not_json(value, "nested too deep")
    return text


def not_json(value, reason):
    import vortex_failure
    return Failure("result_not_json", "the return value is not JSON: " + vortex_failure.clean(
        vortex_failure.find_problem(value, MAX_RESULT_DEPTH) or reason))


def is_plain(value):
    """The encoder turns 1, True and None as keys into strings without a word, and nests as deep as it can."""
    level = [value] if isinstance(value, CONTAINERS) else []
    for _ in range(MAX_RESULT_DEPTH):
        below = []
        for item in level:
            if isinstance(item, dict):
                if not all(isinstance(key, str) for key in item):
                    return False
                item = item.values()
            below += [child for child in item if isinstance(child, CONTAINERS)]
        level = below
    return not level


def print_error(text):
    try:
        sys.stderr.write(text)
    except BaseException:
        pass  # closed or replaced by the plugin


def flush():
    for name in ("stdout", "__stdout__", "stderr", "__stderr__"):
        stream = getattr(sys, name, None)
        try:
            os.set_blocking(stream.fileno(), True)
        except BaseException:
            pass  # closed, or replaced by something without a descriptor
        try:
            stream.flush()
        except BaseException:
            pass


def report(record, error):
    """The record of a failure; the exit code."""
    import vortex_failure
    if isinstance(error, Failure):
        fields = {"kind": error.kind, "message": vortex_failure.clean(str(error))}
        code, shown = error.code, "%s: %s\n" % (error.kind, error)
    elif isinstance(error, SystemExit):
        fields, shown = vortex_failure.describe_exit(error)
        code = fields["code"]
    else:
        fields, shown = vortex_failure.describe_exception(error, BUNDLE)
        code = EXIT_FAILED
    print_error(shown)
    flush()
    record.error(fields)
    return code


def run(record, entrypoint):
    try:
        payload = read_payload()
        result = call(load_entrypoint(entrypoint), payload)
        sys.setrecursionlimit(RECURSION_LIMIT)
        text = to_json(result)
    except BaseException as error:  # whatever the plugin raises is its end
        sys.setrecursionlimit(RECURSION_LIMIT)
        return report(record, error)
    flush()
    record.value(text)
    return 0


def main(entrypoint):
    try:
        code = run(RecordWriter(), entrypoint)
    except BaseException as error:  # the descriptor of the record is gone: the plugin closed it, or nobody listens
        print_error("harness: no result record: %s: %s\n" % (type(error).__name__, error))
        flush()
        code = EXIT_FAILED
    # Threads and tasks that the plugin left do not keep it alive.
    os._exit(code)
