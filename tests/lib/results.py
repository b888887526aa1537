#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints 'RESULT<tab>NAME' for each test in a testlog.json of meson; below one that failed, what it said."""
import json
import re
import sys

LINES = 60  # of what a failed test said


def complaints(test):
    """The failures of a test that speaks TAP, with their comments; of another, its last lines."""
    said = (test.get("stdout") or "").splitlines()
    failed, keep = [], False
    for line in said:
        keep = line.startswith("not ok") or (keep and line.startswith("#"))
        if keep:
            failed.append(line)
    other = [] if failed else [line for line in said if not re.match(r"ok \d", line)]
    return (failed[:LINES] or other[-LINES:]) + (test.get("stderr") or "").splitlines()[-LINES:]


with open(sys.argv[1], encoding="utf-8") as log:
    for entry in map(json.loads, log):
        print(entry["result"], entry["name"], sep="\t")
        if entry["result"] != "OK":
            for line in complaints(entry):
                print("", line, sep="\t")
