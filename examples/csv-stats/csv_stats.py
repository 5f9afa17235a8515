# SPDX-License-Identifier: Apache-2.0
"""Works on text with the standard library alone: csv and statistics are in the image."""
import csv
import io
import statistics


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def run(payload):
    rows = list(csv.DictReader(io.StringIO(payload["csv"])))
    print("rows:", len(rows))  # a plugin's prints are kept and come back beside its result
    result = {}
    for column in rows[0] if rows else []:
        values = [value for row in rows if (value := number(row[column])) is not None]
        if values:
            result[column] = {"mean": statistics.fmean(values), "median": statistics.median(values),
                              "stdev": statistics.pstdev(values)}
    return result
