#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""audit_schema_check.py DIR: every line of the audit log in DIR is as docs/schema/audit-event-v1.json has it."""
import json
import pathlib
import sys

import jsonschema

SCHEMA = pathlib.Path(__file__).resolve().parent.parent / "docs" / "schema" / "audit-event-v1.json"


def main():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = lines = 0
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            lines += 1
            for error in validator.iter_errors(json.loads(line)):
                wrong += 1
                print("%s:%d: %s: %s" % (path.name, number, "/".join(map(str, error.path)), error.message))
    print("schema: %d lines, %d wrong" % (lines, wrong))
    return 1 if wrong or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
