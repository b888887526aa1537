#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A timestamp server for tests, good and bad: `openssl ts -reply` behind HTTP on 127.0.0.1.

usage: tsa.py FOLDER        (from shell: tests/lib/tsa.sh)

It makes a CA and certificates in FOLDER, then writes there
  root.pem            the root that good answers lead to (root > issuing > tsa)
  log                 a line for each request: seconds since 1970, method, path as it was asked for
  connections         a line for each connection that was accepted: its scheme
  tls-url             as `url`, with TLS; its certificate is from root.pem
  url                 http://127.0.0.1:PORT; the last file that it writes, so wait for this one
and serves until it is killed or its parent has ended. It keeps connections open (HTTP/1.1). What is after the URL chooses the answer:
  /good               as it should be
  /good/MS            the same, MS milliseconds after the request came
  /hang               takes the request and keeps silent
  /drop               closes the connection without an answer
  /status/N           HTTP status N, a page of HTML
  /busy/N             429, Retry-After: N (seconds)
  /busy-date/N        429, Retry-After as the date in N seconds
  /wrong-nonce, /no-nonce, /wrong-imprint
                      signed well, for a request that differs from ours in that
  /stale              the good answer to another request, always the same one
  /expired            by a certificate that expired last year
  /no-eku             by a certificate that is not for timestamps
  /stranger           by another CA's server
  /clock/N            the time in it is N seconds off (may be negative)
  /endless            a body that does not end
  /endless-headers, /endless-header
                      headers that do not end; one that does not
  /no-http            an answer that is not one of HTTP
  /garbage, /empty, /trailing
                      random bytes; none; a byte behind a good answer
  /rejected           status `rejection`, as openssl says it for a hash that it does not take
  /wrong-type         good, but said to be text/html
  /page               a page of HTML with status 200, as portals and proxies send it
  /redirect/N/PATH    HTTP status N (301, 302, 307, 308) to /PATH
  /downgrade/PATH     307 from TLS to http and /PATH
  /leave/SCHEME       307 to a URL of another scheme
  /close/PATH         as /PATH; says "Connection: close" and closes the connection
  /silent-close/PATH  as /PATH, and closes the connection without having said so
  /once/PATH          as /PATH, but a request that is not the first of its connection gets none: it is closed, as by a
                      server that does so in the moment in which the request is on its way
  /first/K/PATH/then/PATH
                      the first K requests to this URL are answered by the first PATH, others by the second
  /together/N/PATH    as /PATH, once N requests to this URL are under way together; if that does not happen, none
  /last/N/PATH        as /PATH, once N other requests to this URL have been answered
  /file/NAME          (GET) FOLDER/NAME, for certificates of issuers
A proxy's request ("POST http://host/good") is answered by its path, and logged as it came.
"""
import datetime
import email.utils
import http.server
import itertools
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
serials = itertools.count(1000)
lock = threading.Lock()
asked = {}
served = {}  # good answers for each URL
meetings = {}

CONF = """
[common]
serial = $ENV::SERIAL
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
certs = {folder}/issuing.pem
"""


def openssl(*args, data=b"", **env):
    done = subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env={**os.environ, **env})
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(args)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def path(name):
    return os.path.join(FOLDER, name)


def issue(name, subject, extensions, by=None, key=("ec", "ec_paramgen_curve:P-256")):
    """NAME.pem and NAME.key"""
    openssl("req", "-new", "-newkey", key[0], *(("-pkeyopt", key[1]) if len(key) > 1 else ()), "-noenc",
            "-keyout", path(name + ".key"), "-subj", subject, "-out", path(name + ".csr"))
    with open(path(name + ".ext"), "w", encoding="ascii") as file:
        file.write("\n".join(extensions) + "\n")
    if by is None:
        signer = ["-signkey", path(name + ".key")]
    else:
        signer = ["-CA", path(by + ".pem"), "-CAkey", path(by + ".key")]
    openssl("x509", "-req", "-in", path(name + ".csr"), *signer, "-days", "3650",
            "-set_serial", str(next(serials)), "-extfile", path(name + ".ext"), "-out", path(name + ".pem"))


def issue_expired():
    """x509 -req takes no dates before OpenSSL 3.4; ca does."""
    os.makedirs(path("ca"), exist_ok=True)
    open(path("ca/index"), "w", encoding="ascii").close()
    with open(path("ca/conf"), "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca = one\n[one]\ndatabase = {path('ca/index')}\nrand_serial = yes\n"
                   f"new_certs_dir = {path('ca')}\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n")
    openssl("req", "-new", "-key", path("tsa.key"), "-subj", "/CN=Test TSA expired", "-out", path("expired.csr"))
    openssl("ca", "-config", path("ca/conf"), "-batch", "-notext", "-in", path("expired.csr"), "-cert", path("issuing.pem"),
            "-keyfile", path("issuing.key"), "-startdate", "20200101000000Z", "-enddate", "20210101000000Z",
            "-extfile", path("tsa.ext"), "-out", path("expired.pem"))


def make_certificates():
    authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash"]
    leaf = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"]
    stamps = leaf + ["extendedKeyUsage=critical,timeStamping"]
    issue("root", "/CN=Test TSA root", authority)
    issue("issuing", "/CN=Test TSA issuing CA", authority, by="root")
    issue("tsa", "/CN=Test TSA", stamps, by="issuing", key=("rsa:2048",))
    issue("no-eku", "/CN=Test TSA without purpose", leaf, by="issuing")
    issue("elsewhere", "/CN=Another root", authority)
    issue("stranger", "/CN=Stranger", stamps, by="elsewhere")
    issue("server", "/CN=127.0.0.1", leaf + ["subjectAltName=IP:127.0.0.1,DNS:localhost", "extendedKeyUsage=serverAuth"],
          by="root")
    issue_expired()
    with open(path("server-chain.pem"), "w", encoding="ascii") as out:
        for name in ("server.pem", "server.key"):
            with open(path(name), encoding="ascii") as file:
                out.write(file.read())
    with open(path("conf"), "w", encoding="ascii") as file:
        common = CONF.format(folder=FOLDER)
        for name, cert, key in (("tsa", "tsa", "tsa"), ("expired", "expired", "tsa"), ("stranger", "stranger", "stranger")):
            file.write(common.replace("[common]", f"[{name}]"))
            file.write(f"signer_cert = {path(cert + '.pem')}\nsigner_key = {path(key + '.key')}\n")
        file.write(common.replace("[common]", "[picky]").replace("sha256, sha384, sha512", "md5"))
        file.write(f"signer_cert = {path('tsa.pem')}\nsigner_key = {path('tsa.key')}\n")


def reply(query, section="tsa"):
    """What `openssl ts -reply` says."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        with open(folder + "/query", "wb") as file:
            file.write(query)
        with open(folder + "/serial", "w", encoding="ascii") as file:
            with lock:
                file.write(f"{next(serials):08X}\n")
        openssl("ts", "-reply", "-config", path("conf"), "-section", section, "-queryfile", folder + "/query",
                "-out", folder + "/reply", SERIAL=folder + "/serial")
        with open(folder + "/reply", "rb") as file:
            return file.read()


def length(size):
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def sequence(*parts):
    body = b"".join(parts)
    return b"\x30" + length(len(body)) + body


def children(der):
    """The elements of a SEQUENCE, each as its whole bytes."""
    def header(at):
        size = der[at + 1]
        if size < 0x80:
            return at + 2, size
        count = size & 0x7F
        return at + 2 + count, int.from_bytes(der[at + 2:at + 2 + count], "big")
    at, size = header(0)
    end, out = at + size, []
    while at < end:
        start, size = header(at)
        out.append(der[at:start + size])
        at = start + size
    return out


def signed_again(query, change=lambda content: content, signer="tsa"):
    """A good answer with other content or by another signer: `openssl ts` would not make it."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        token = children(reply(query))[1]
        content = openssl("cms", "-verify", "-noverify", "-binary", "-inform", "DER", data=token)
        with open(folder + "/content", "wb") as file:
            file.write(change(content))
        token = openssl("cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256", "-outform", "DER",
                        "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", folder + "/content",
                        "-signer", path(signer + ".pem"), "-inkey", path(signer + ".key"), "-certfile", path("issuing.pem"))
    return sequence(sequence(b"\x02\x01\x00"), token)


def other_nonce(query):
    parts = children(query)
    at = next(i for i in range(2, len(parts)) if parts[i][0] == 0x02)
    parts[at] = parts[at][:-1] + bytes([parts[at][-1] ^ 1])
    return sequence(*parts)


def no_nonce(query):
    return sequence(*(part for i, part in enumerate(children(query)) if i < 2 or part[0] != 0x02))


def other_imprint(query):
    parts = children(query)
    parts[1] = parts[1][:-1] + bytes([parts[1][-1] ^ 1])
    return sequence(*parts)


def off_by(seconds):
    def change(content):
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        return re.sub(rb"\x18\x0f\d{14}Z", b"\x18\x0f" + when.strftime("%Y%m%d%H%M%SZ").encode(), content, count=1)
    return change


def stale(_):
    with lock:
        if not os.path.exists(path("stale.tsr")):
            with open(path("stale.tsq"), "wb") as file:
                file.write(openssl("ts", "-query", "-digest", "00" * 32, "-sha256", "-cert"))
    with open(path("stale.tsq"), "rb") as file:
        query = file.read()
    with lock:
        if os.path.exists(path("stale.tsr")):
            with open(path("stale.tsr"), "rb") as file:
                return file.read()
    answer = reply(query)
    with lock, open(path("stale.tsr"), "wb") as file:
        file.write(answer)
    return answer


ANSWERS = {
    "good": lambda query, _: reply(query),
    "wrong-type": lambda query, _: reply(query),
    "wrong-nonce": lambda query, _: reply(other_nonce(query)),
    "no-nonce": lambda query, _: reply(no_nonce(query)),
    "wrong-imprint": lambda query, _: reply(other_imprint(query)),
    "stale": lambda query, _: stale(query),
    "expired": lambda query, _: reply(query, "expired"),
    "stranger": lambda query, _: reply(query, "stranger"),
    "rejected": lambda query, _: reply(query, "picky"),
    "no-eku": lambda query, _: signed_again(query, signer="no-eku"),
    "clock": lambda query, words: signed_again(query, off_by(int(words[0]))),
    "garbage": lambda query, _: os.urandom(1000),
    "empty": lambda query, _: b"",
    "trailing": lambda query, _: reply(query) + b"\0",
    "page": lambda query, _: b"<html>Please log in</html>",
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    requests = 0  # of this connection
    saying_close = False

    def setup(self):
        super().setup()
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        with lock, open(path("connections"), "a", encoding="ascii") as file:
            file.write(scheme + "\n")

    def log_message(self, *_):
        pass

    def log(self):
        with lock, open(path("log"), "a", encoding="utf-8") as file:
            file.write(f"{time.time():.3f} {self.command} {self.path}\n")

    def finish_with(self, status, kind, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.saying_close:
            self.send_header("Connection", "close")  # which closes it, too
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def endless(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.end_headers()
        while True:
            self.wfile.write(b"\x30" * 65536)

    def endless_headers(self, line):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            self.wfile.write(line * 1000)

    def choose(self, words):
        """The words of the path that is meant this time."""
        if words[0] != "first":
            return words
        then = words.index("then")
        with lock:
            asked[self.path] = asked.get(self.path, 0) + 1
            first = asked[self.path] <= int(words[1])
        return self.choose(words[2:then] if first else words[then + 1:])

    def answer(self, query, words, start):
        mode = words[0]
        if mode == "hang":
            time.sleep(3600)
        elif mode == "drop" or (mode == "once" and self.requests > 1):
            self.close_connection = True
        elif mode in ("once", "close", "silent-close"):
            self.saying_close = mode == "close"
            self.answer(query, words[1:], start)
            self.close_connection = self.close_connection or mode == "silent-close"
        elif mode == "endless":
            self.endless()
        elif mode == "endless-headers":
            self.endless_headers(b"x\r\nX: ")
        elif mode == "endless-header":
            self.endless_headers(b"x" * 60)
        elif mode == "no-http":
            self.wfile.write(b"220 mail.invalid ESMTP\r\n")
            self.close_connection = True
        elif mode == "leave":
            self.finish_with(307, "text/plain", b"", Location=f"{words[1]}://127.0.0.1/")
        elif mode == "status":
            self.finish_with(int(words[1]), "text/html", b"<html>no</html>")
        elif mode == "busy":
            self.finish_with(429, "text/plain", b"later", Retry_After=words[1])
        elif mode == "busy-date":
            self.finish_with(429, "text/plain", b"later",
                             Retry_After=email.utils.formatdate(time.time() + int(words[1]), usegmt=True))
        elif mode == "redirect":
            self.finish_with(int(words[1]), "text/plain", b"", Location="/" + "/".join(words[2:]))
        elif mode == "downgrade":
            with open(path("url"), encoding="ascii") as file:
                self.finish_with(307, "text/plain", b"", Location=file.read().strip() + "/" + "/".join(words[1:]))
        elif mode == "together":
            with lock:
                meeting = meetings.setdefault(self.path, threading.Barrier(int(words[1])))
            meeting.wait(120)
            self.answer(query, words[2:], start)
        elif mode == "last":
            while served.get(self.path, 0) < int(words[1]):
                time.sleep(0.01)
            self.answer(query, words[2:], start)
        elif mode in ANSWERS:
            body = ANSWERS[mode](query, words[1:])
            if mode == "good" and len(words) > 1:
                time.sleep(max(0, start + int(words[1]) / 1000 - time.monotonic()))
            self.finish_with(200, "text/html; charset=utf-8" if mode in ("wrong-type", "page") else
                             "application/timestamp-reply", body)
            with lock:
                served[self.path] = served.get(self.path, 0) + 1
        else:
            self.finish_with(404, "text/plain", b"no such mode")

    def words(self):
        return re.sub(r"^https?://[^/]*", "", self.path).strip("/").split("/")

    def do_POST(self):
        start = time.monotonic()
        self.requests += 1
        self.log()
        query = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.answer(query, self.choose(self.words()), start)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_GET(self):
        self.requests += 1
        self.log()
        words = self.choose(self.words())
        try:
            if words[0] == "file" and len(words) == 2 and os.path.isfile(path(words[1])):
                with open(path(words[1]), "rb") as file:
                    self.finish_with(200, "application/octet-stream", file.read())
            else:
                self.answer(b"", words, time.monotonic())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


class TlsServer(Server):
    """The handshake is the thread's, not the listener's: who connects and is silent stops nobody."""
    def finish_request(self, request, client_address):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path("server-chain.pem"))
        super().finish_request(context.wrap_socket(request, server_side=True), client_address)


def publish(name, text):
    with open(path(name + ".new"), "w", encoding="ascii") as file:
        file.write(text + "\n")
    os.rename(path(name + ".new"), path(name))


def main():
    parent = os.getppid()
    os.makedirs(FOLDER, exist_ok=True)
    make_certificates()
    for name in ("log", "connections"):
        open(path(name), "w", encoding="ascii").close()
    tls = TlsServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=tls.serve_forever, daemon=True).start()
    publish("tls-url", f"https://127.0.0.1:{tls.server_address[1]}")
    plain = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    publish("url", f"http://127.0.0.1:{plain.server_address[1]}")
    while os.getppid() == parent:
        time.sleep(0.2)


main()
