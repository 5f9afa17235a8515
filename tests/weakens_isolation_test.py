#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every place in src/ that weakens a spec is listed in docs/reviewer/loosening.md, with its reason, and nothing else is."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARK = "src/oci/weakens_isolation.h"
PAGE = "docs/reviewer/loosening.md"


def places(name, text):
    """(file, reason) of each mark; a mark whose reason is not a literal at the place is a problem of its own."""
    code = re.sub(r"//[^\n]*", "", text)
    marks = len(re.findall(r"\bWeakensIsolation\b\s*[{(]", code))
    found = [(name, "".join(re.findall(r'"([^"]*)"', literal)))
             for literal in re.findall(r'\bWeakensIsolation\s*\{\s*((?:"[^"]*"\s*)+)\}', code)]
    if len(found) != marks:
        found.append((name, "(a mark without a literal reason)"))
    return found


def rows(page):
    return re.findall(r"^\| `(src/[^`]+)` \| ([^|]*?) \|", page, re.M)


def self_test():
    assert places("a", 'x = {WeakensIsolation{"why"}, y};') == [("a", "why")]
    assert places("a", 'x = {oci::WeakensIsolation{"why "\n  "so"}, y};') == [("a", "why so")]
    assert places("a", "x = {WeakensIsolation{reason}, y};") != []
    assert places("a", "void f(WeakensIsolation, T value);") == []
    assert rows("| `src/a.cc` | why | what |\n") == [("src/a.cc", "why")]


def main():
    self_test()
    in_code = []
    for path in sorted((ROOT / "src").rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in (".h", ".cc") and name != MARK:
            in_code += places(name, path.read_text())
    in_docs = rows((ROOT / PAGE).read_text())
    problems = [f"{PAGE} does not explain {name}: {reason}" for name, reason in in_code if (name, reason) not in in_docs]
    problems += [f"{PAGE} explains what is not there any more: {name}: {reason}"
                 for name, reason in in_docs if (name, reason) not in in_code]
    for problem in problems:
        print(problem)
    print(f"loosening: {len(in_code)} places, {len(problems)} problems")
    return 1 if problems or not in_code else 0


if __name__ == "__main__":
    sys.exit(main())
