#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints 'RESULT<tab>NAME' for each test in a testlog.json of meson."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as log:
    for line in log:
        test = json.loads(line)
        print(test["result"], test["name"], sep="\t")
