# SPDX-License-Identifier: Apache-2.0
"""What the harness says of a plugin that failed. Nothing of the plugin's is trusted to have a text: its exceptions may
raise while they are printed, its strings may hold what UTF-8 cannot."""
import os

MAX_TEXT_CHARS = 4 << 10
MAX_TRACEBACK_BYTES = 16 << 10
OWN_DIR = os.path.dirname(__file__) + "/"


def clean(text, limit=MAX_TEXT_CHARS):
    """Without the lone surrogates that stand for undecodable bytes in Python and that JSON readers refuse."""
    return text[:limit].encode("utf-8", "backslashreplace").decode()


def text_of(value):
    try:
        return str(value)
    except BaseException as error:
        return "(its text raised %s)" % type(error).__name__


def describe_exit(stop):
    """(fields of the record, text for stderr), as the interpreter would treat it."""
    code, shown = stop.code, ""
    message = None
    if code is None:
        code = 0
    if not isinstance(code, int):
        message = text_of(code)
        shown, code = message + "\n", 1
    code &= 0xFF
    return {"kind": "exit", "type": "SystemExit", "message": clean(message or "sys.exit(%d)" % code),
            "code": code}, shown


def describe_exception(error, bundle):
    """(fields of the record, text for stderr)."""
    trace = traceback_of(error, bundle)
    number = filename = None
    behind = system_error(error)
    if behind is not None:
        number = behind.errno
        if isinstance(behind.filename, (str, bytes)):
            filename = clean(os.fsdecode(behind.filename))
    return {"kind": "exception", "type": clean(type(error).__name__), "message": clean(text_of(error)),
            "traceback": shortened(trace), "errno": number, "filename": filename}, trace


def system_error(error):
    """The OSError with a number that is behind an exception: itself, a wrapped reason (URLError), or what caused it."""
    for _ in range(16):
        if isinstance(error, OSError) and isinstance(error.errno, int):
            return error
        reason = getattr(error, "reason", None)
        if isinstance(reason, BaseException):
            error = reason
        else:
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is None:
            break
    return None


def traceback_of(error, bundle):
    try:
        import traceback
        whole = traceback.TracebackException.from_exception(error)
        part, seen = whole, 0
        # The chain of causes, newest first; its length is the plugin's choice.
        while part is not None and seen < 100:
            part.stack = traceback.StackSummary.from_list(plugin_frames(part.stack, bundle))
            part, seen = part.__cause__ or part.__context__, seen + 1
        return clean("".join(whole.format()), None)
    except BaseException as other:  # an exception without a text, or a bundle with a traceback.py of its own
        return "%s (no traceback: %s)\n" % (type(error).__name__, type(other).__name__)


def plugin_frames(frames, bundle):
    """From the first frame of the bundle on: what called it (harness, import, event loop) says nothing to its author."""
    for index, frame in enumerate(frames):
        if frame.filename.startswith(bundle + "/"):
            return frames[index:]
    return [frame for frame in frames if not frame.filename.startswith((OWN_DIR, "<frozen importlib"))]


def shortened(text):
    data = text.encode()
    if len(data) <= MAX_TRACEBACK_BYTES:
        return text
    mark = b"[...]\n"  # the end says what was raised
    return (mark + data[len(mark) - MAX_TRACEBACK_BYTES:]).decode(errors="ignore")


def find_problem(value, max_depth, path="$", above=()):
    """Where the value is not JSON, and why; None when it is."""
    if not isinstance(value, (dict, list, tuple)):
        return scalar_problem(value, path)
    if any(value is other for other in above):
        return "%s: contains itself" % path
    if len(above) >= max_depth:
        return "%s: nested deeper than %d levels" % (path[:80], max_depth)
    is_dict = isinstance(value, dict)
    for key, item in value.items() if is_dict else enumerate(value):
        if is_dict and not isinstance(key, str):
            return "%s: the key %s is of type %s, not str" % (path, text_of(key)[:80], type(key).__name__)
        step = ".%s" % key if is_dict else "[%d]" % key
        found = scalar_problem(key, path) or find_problem(item, max_depth, path + step, above + (value,))
        if found:
            return found
    return None


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
