#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A timestamp server of the kind that was before RFC 3161 (Authenticode): `openssl cms -sign` behind HTTP on 127.0.0.1.

usage: legacy_tsa.py FOLDER CERTIFICATE KEY [CHAIN]

It writes its address to FOLDER/legacy-url and serves until it is killed or its parent has ended. A request is base64 of
TimeStampRequest { 1.3.6.1.4.1.311.3.2.1, ContentInfo { data, the signature's value } }, an answer base64 of a SignedData
over that value, whose SignerInfo becomes the countersignature. What is after the URL chooses the hash: /sha1, /sha256;
/md5; and /another signs another value.
"""
import base64
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time

FOLDER, CERTIFICATE, KEY = sys.argv[1:4] if len(sys.argv) in (4, 5) else sys.exit(__doc__)
CHAIN = sys.argv[4:5]


def inner(der, at=0):
    """Tag, where the content starts and ends."""
    size, start = der[at + 1], at + 2
    if size >= 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[at + 2:start], "big")
    return der[at], start, start + size


def value_of(request):
    """The OCTET STRING at the end of the innermost SEQUENCE."""
    at, end = 0, len(request)
    while at < end:
        tag, start, stop = inner(request, at)
        if tag == 0x04:
            return request[start:stop]
        at = start if tag in (0x30, 0xA0) else stop
    raise ValueError("no value in the request")


def answer(value, md):
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        with open(folder + "/value", "wb") as file:
            file.write(value)
        chain = ["-certfile", CHAIN[0]] if CHAIN else []
        return subprocess.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-md", md, "-outform", "DER",
                               "-in", folder + "/value", "-signer", CERTIFICATE, "-inkey", KEY, *chain],
                              stdout=subprocess.PIPE, check=True).stdout


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        value = value_of(base64.b64decode(body))
        how = self.path.strip("/")
        if how == "another":
            value, how = bytes([value[0] ^ 1]) + value[1:], "sha1"
        reply = base64.b64encode(answer(value, how))
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


def end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
with open(os.path.join(FOLDER, "legacy-url.new"), "w", encoding="ascii") as out:
    out.write(f"http://127.0.0.1:{server.server_port}")
os.rename(out.name, os.path.join(FOLDER, "legacy-url"))
server.serve_forever()
