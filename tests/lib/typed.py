#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own, and types what it asks for, as a person would.

usage: typed.py WORD ANSWER [WORD ANSWER ...] -- COMMAND...
Each answer, a test PIN or a label, is typed once after its word was shown. What the command printed goes to
stdout, its exit status is ours. 60 seconds at most.
"""
import os
import pty
import select
import sys
import time


def main():
    split = sys.argv.index("--")
    words, command = sys.argv[1:split], sys.argv[split + 1 :]
    answers = list(zip(words[::2], words[1::2]))
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    shown, seen, end = b"", 0, time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        if not data:
            break
        shown += data
        if answers and answers[0][0].encode() in shown[seen:]:
            seen = len(shown)
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
    else:
        os.kill(child, 9)
    sys.stdout.buffer.write(shown)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status) if not answers else 99


sys.exit(main())
