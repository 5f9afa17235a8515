# SPDX-License-Identifier: Apache-2.0
"""/usr/lib/vortex/harness.py module:function, run inside the sandbox.

Reads the payload (one JSON text) from stdin, imports the plugin's entrypoint from the working directory (/plugin), calls
it and ends stdout with one record: RS {"vortex":"result","token":"<token>","ok":true,"value":...} LF
(docs/user/plugin-protocol.md).

The plugin shares this process and can find everything in it, the token included. The token does not stop a plugin from
making up its own result; it stops bytes that an honest plugin prints for somebody else from becoming the result.
"""
import fcntl
import json
import os
import sys

MAX_RESULT_BYTES = 16 << 20
# Fewer than the 1000 that Python's own decoder takes on the caller's side.
MAX_RESULT_DEPTH = 200
MAX_TEXT_CHARS = 4 << 10
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
        # High, so that a plugin that closes the usual descriptors leaves it alone.
        self.fd = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 200)

    def write(self, body):
        # The plugin may have made the pipe non-blocking; the flag is shared by all who have it open.
        os.set_blocking(self.fd, True)
        head = '\x1e{"vortex":"result","token":"%s",' % self.token
        view = memoryview(head.encode() + body + b"}\n")
        while view:
            view = view[os.write(self.fd, view):]

    def value(self, text):
        self.write(b'"ok":true,"value":' + text)

    def error(self, **fields):
        error = {key: value for key, value in fields.items() if value is not None}
        self.write(b'"ok":false,"error":' + json.dumps(error, separators=(",", ":")).encode())


def clean(text, limit=MAX_TEXT_CHARS):
    """Without the lone surrogates that stand for undecodable bytes in Python and that JSON readers refuse."""
    return text[:limit].encode("utf-8", "backslashreplace").decode()


def refuse_constant(name):
    raise ValueError("%s is not JSON" % name)


def read_payload():
    data = sys.stdin.buffer.read()
    # The plugin finds an empty stdin instead of a closed one.
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        return json.loads(data, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Failure("bad_payload", "the payload is not usable JSON: %s" % error) from None


def load_entrypoint(name):
    module_name, _, function_name = name.partition(":")
    sys.path.insert(0, os.getcwd())
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
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise not_json(find_problem(value) or str(error)) from None
    if len(text) > MAX_RESULT_BYTES:
        raise not_json("it takes %d bytes; at most %d are allowed" % (len(text), MAX_RESULT_BYTES))
    if not is_plain(value):
        raise not_json(find_problem(value) or "nested too deep")
    return text


def not_json(problem):
    return Failure("result_not_json", "the return value is not JSON: " + clean(problem))


def is_plain(value):
    """json.dumps turns 1, True and None as keys into strings without a word, and nests as deep as it can. Level by
    level, since the recursion of find_problem() is slow for large values."""
    level = [value]
    for _ in range(MAX_RESULT_DEPTH):
        below = []
        for item in level:
            if isinstance(item, dict):
                if any(not isinstance(key, str) for key in item):
                    return False
                below.extend(item.values())
            elif isinstance(item, (list, tuple)):
                below.extend(item)
        if not below:
            return True
        level = below
    return False


def find_problem(value, path="$", above=()):
    """Where the value is not JSON, and why; None when it is."""
    if any(value is other for other in above):
        return "%s: contains itself" % path
    if isinstance(value, (dict, list, tuple)):
        if len(above) >= MAX_RESULT_DEPTH:
            return "%s: nested deeper than %d levels" % (path[:80], MAX_RESULT_DEPTH)
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            if isinstance(value, dict) and not isinstance(key, str):
                return "%s: the key %s is of type %s, not str" % (path, repr(key)[:80], type(key).__name__)
            step = ".%s" % key if isinstance(value, dict) else "[%d]" % key
            found = scalar_problem(key, path) or find_problem(item, path + step, above + (value,))
            if found:
                return found
        return None
    return scalar_problem(value, path)


def scalar_problem(value, path):
    if isinstance(value, str):
        try:
            value.encode()
            return None
        except UnicodeEncodeError as error:
            return "%s: %s" % (path, error)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "%s: %r is not a JSON number" % (path, value)
    if value is None or isinstance(value, (int, float)):
        return None
    return "%s: type %s is not a JSON type" % (path, type(value).__name__)


def plugin_traceback(error):
    try:
        import traceback
        frames = traceback.TracebackException.from_exception(error)
        # Our own frames at the top say nothing about the plugin.
        frames.stack = traceback.StackSummary.from_list(
            [frame for frame in frames.stack if frame.filename != __file__])
        return "".join(frames.format())[-MAX_TRACEBACK_CHARS:]
    except Exception as other:  # an exception whose text cannot be made, or a bundle with a traceback.py of its own
        return "%s (no traceback: %s)\n" % (type(error).__name__, type(other).__name__)


def message_of(error):
    try:
        return str(error)
    except Exception as other:
        return "(its text raised %s)" % type(other).__name__


def print_error(text):
    try:
        sys.stderr.write(text)
    except Exception:
        pass  # closed or replaced by the plugin


def flush():
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        try:
            os.set_blocking(stream.fileno(), True)
        except Exception:
            pass  # closed, or replaced by something without a descriptor
        try:
            stream.flush()
        except Exception:
            pass


def report_exit(record, code):
    if code is None:
        code = 0
    if not isinstance(code, int):
        print_error(message_of(code) + "\n")
        code = EXIT_FAILED
    code &= 0xFF
    flush()
    record.error(kind="exit", type="SystemExit", message="sys.exit(%d)" % code, code=code)
    return code


def system_error(error):
    """The OSError with a number that is behind an exception: itself, a wrapped reason (URLError), or what caused it."""
    for _ in range(16):
        if isinstance(error, OSError) and isinstance(error.errno, int):
            return error
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
        if error is None:
            break
    return None


def report_exception(record, error):
    text = clean(plugin_traceback(error), MAX_TRACEBACK_CHARS)
    print_error(text)
    flush()
    number = filename = None
    behind = system_error(error)
    if behind is not None:
        number = behind.errno
        if isinstance(behind.filename, (str, bytes)):
            filename = clean(os.fsdecode(behind.filename))
    record.error(kind="exception", type=clean(type(error).__name__), message=clean(message_of(error)), traceback=text,
                 errno=number, filename=filename)
    return EXIT_FAILED


def run(record, entrypoint):
    try:
        payload = read_payload()
        result = call(load_entrypoint(entrypoint), payload)
        sys.setrecursionlimit(1000)
        text = to_json(result)
        flush()
        record.value(text)
        return 0
    except Failure as failure:
        print_error("%s: %s\n" % (failure.kind, failure))
        flush()
        record.error(kind=failure.kind, message=clean(str(failure)))
        return failure.code
    except SystemExit as stop:
        return report_exit(record, stop.code)
    except BaseException as error:  # whatever the plugin raises is its end
        sys.setrecursionlimit(1000)
        return report_exception(record, error)


def main():
    try:
        code = run(RecordWriter(), sys.argv[1])
    except BaseException as error:  # the descriptor of the record is gone: the plugin closed it, or nobody listens
        print_error("harness: no result record: %s: %s\n" % (type(error).__name__, message_of(error)))
        flush()
        code = EXIT_FAILED
    # Threads and tasks that the plugin left do not keep it alive.
    os._exit(code)


if __name__ == "__main__":
    main()
