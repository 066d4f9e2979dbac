#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves: between a client and a good one, it spoils some answers.

usage: faulty_proxy.py PORT UPSTREAM-PORT LOG FAULT [COUNT [PATTERN]]

The first COUNT (default 1, 0: all) requests whose path has PATTERN (default /blobs/) get FAULT:

  cut          half of the body, then the connection is closed
  stall        half of the body, then nothing for a minute
  429:SECONDS  with Retry-After
  500
  flip         one byte of the body is another
  short        Content-Length and body are one byte less than they should be
  long         a byte more
  redirect:PORT:UPSTREAM  307 to that port, where an honest server answers, before UPSTREAM-PORT or this one
  loop         307 to itself
  headers      a megabyte of them
  huge         five megabytes of blanks behind the body
  norange      as cut, and Range is passed over afterwards
  type:TYPE    that Content-Type
  noparts      all of the body, whatever Range asks for, but for one from the first byte
  etag         an ETag of its own for each answer
  shift        a Content-Range that begins a byte later, but for one from the first byte
  challenge:URL  401 that sends for a token to URL
  drop         half of what is sent is read, nothing passed on, then the connection is closed
  deaf         what is sent is passed on, then the connection is closed instead of an answer
  half         half of a chunk that is sent is passed on, and what the registry says of it
  crumb        as half, but two bytes
  claim        the registry's answer to a chunk, but with a million bytes more in its Range
  minimum:BYTES  OCI-Chunk-Min-Length: BYTES
  around:PORT  503; and every Location names that port, which sends on to itself twice, then to here
  refuse:STATUS  that status
  once:PORT    307 to that port, which answers each such link once, and then 403 as storage does
  pages:LINK   a list of tags one at a time, with a Link to LINK?last=TAG; {here}: the list's own URL

PATTERN may also be of the Range, or Content-Range, which stands behind the path and a blank.
LOG gets "PORT METHOD PATH RANGE AUTHORIZED" for each request, on both ports.
"""

import http.client
import http.server
import json
import sys
import threading
import time

PORT, UPSTREAM, LOG, FAULT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
KIND, _, VALUE = FAULT.partition(":")
BEHIND = UPSTREAM
if KIND == "redirect" and ":" in VALUE:
    VALUE, _, BEHIND = VALUE.partition(":")
left = [int(sys.argv[5]) if len(sys.argv) > 5 else 1]
forever = left[0] == 0
PATTERN = sys.argv[6] if len(sys.argv) > 6 else "/blobs/"
lock = threading.Lock()
used = set()


def is_spoiled(path):
    with lock:
        if PATTERN not in path or (left[0] <= 0 and not forever):
            return False
        left[0] -= 1
        return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    honest = False

    def upstream(self, spoiled):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else None
        if spoiled and KIND in ("half", "crumb") and self.command == "PATCH":
            body = body[:size // 2 if KIND == "half" else 2]
            first = int(self.headers["Content-Range"].split("-")[0])
            self.headers.replace_header("Content-Range", f"{first}-{first + len(body) - 1}")
            self.headers.replace_header("Content-Length", str(len(body)))
        skip = ("host", "connection")
        if KIND == "norange":
            skip += ("range",)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in skip}
        link = http.client.HTTPConnection("127.0.0.1", int(BEHIND) if self.honest else UPSTREAM)
        link.request(self.command, self.path, body, headers)
        answer = link.getresponse()
        return answer, answer.read()

    def reply(self, status, headers, body, length=None):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "location"):
                self.send_header(name, value)
            if name.lower() == "location":
                self.send_header(name, value.replace(f":{UPSTREAM}/", f":{VALUE if KIND == 'around' else PORT}/"))
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def serve(self):
        auth = "yes" if self.headers.get("Authorization") else "no"
        with lock, open(LOG, "a") as log:
            ranges = self.headers.get("Range") or self.headers.get("Content-Range", "-")
            print(self.server.server_address[1], self.command, self.path, ranges, auth, file=log)
        of_body = KIND in ("cut", "stall", "norange") and "/blobs/" in PATTERN
        later = not self.headers.get("Range", "bytes=0-").startswith("bytes=0-")
        of_later = KIND in ("noparts", "shift")
        spoiled = not of_body and not self.honest and (later or not of_later) and \
            is_spoiled(f"{self.path} {ranges}")
        if spoiled and KIND == "noparts":
            del self.headers["Range"]
        if spoiled and KIND in ("429", "500", "redirect", "loop", "challenge", "headers", "refuse", "around", "once") or \
                self.honest and KIND == "around":
            self.refuse()
            return
        if self.honest and KIND == "once":
            self.path, _, link = self.path.partition("?link=")
            with lock:
                known = link in used
                used.add(link)
            if known:
                self.reply(403, [("Content-Type", "application/xml")], b"<Error><Code>ExpiredToken</Code></Error>")
                return
        if spoiled and KIND == "pages":
            self.page()
            return
        if spoiled and KIND == "drop":
            self.rfile.read(int(self.headers["Content-Length"]) // 2)
            self.close_connection = True
            return
        answer, body = self.upstream(spoiled)
        if of_body and len(body) > 100000:  # a layer, not a config
            spoiled = is_spoiled(self.path)
        if spoiled and KIND == "deaf":
            self.close_connection = True
            return
        headers = answer.getheaders()
        length = int(answer.headers["Content-Length"]) if self.command == "HEAD" and \
            answer.headers.get("Content-Length") else None
        if not spoiled or answer.status >= 400 or KIND in ("half", "crumb"):
            self.reply(answer.status, headers, body, length)
        elif KIND == "claim":
            last = int(answer.headers["Range"].split("-")[1])
            self.reply(answer.status, [h for h in headers if h[0] != "Range"] + [("Range", f"0-{last + 1000000}")], body)
        elif KIND == "noparts":
            self.reply(answer.status, headers, body)
        elif KIND in ("cut", "stall", "norange"):
            self.reply(answer.status, headers, body[:len(body) // 2], len(body))
            if KIND == "stall":
                time.sleep(60)
            self.close_connection = True
        elif KIND == "flip":
            middle = len(body) // 2
            self.reply(answer.status, headers, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:])
        elif KIND == "short":
            self.reply(answer.status, headers, body[:-1])
        elif KIND == "long":
            self.reply(answer.status, headers, body + b"x")
        elif KIND == "huge":
            self.reply(answer.status, headers, body + b" " * (5 << 20))
        elif KIND == "etag":
            headers = [(k, v) for k, v in headers if k.lower() != "etag"]
            self.reply(answer.status, headers + [("ETag", f'"{time.monotonic_ns()}"')], body)
        elif KIND == "shift":
            first, rest = answer.headers["Content-Range"][len("bytes "):].split("-")
            headers = [(k, v) for k, v in headers if k.lower() != "content-range"]
            self.reply(206, headers + [("Content-Range", f"bytes {int(first) + 1}-{rest}")], body)
        elif KIND == "minimum":
            self.reply(answer.status, headers + [("OCI-Chunk-Min-Length", VALUE)], body)
        elif KIND == "type":
            headers = [(k, v) for k, v in headers if k.lower() != "content-type"]
            self.reply(answer.status, headers + [("Content-Type", VALUE)], body)

    def page(self):
        self.path, _, last = self.path.partition("?last=")
        answer, body = self.upstream(False)
        tags = sorted(tag for tag in json.loads(body)["tags"] if tag > last)
        here = f"http://{self.headers['Host']}{self.path}"
        link = [("Link", f'<{VALUE.format(here=here)}?last={tags[0]}>; rel="next"')] if tags[1:] else []
        self.reply(200, link, json.dumps({"name": "x", "tags": tags[:1]}).encode())

    def refuse(self):
        size = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(size)
        if KIND == "429":
            self.reply(429, [("Retry-After", VALUE)], b"{}")
        elif KIND == "500":
            self.reply(500, [], b'{"errors":[{"code":"UNKNOWN","message":"of the tests"}]}')
        elif KIND == "refuse":
            self.reply(int(VALUE), [], b"{}")
        elif KIND == "challenge":
            self.reply(401, [("WWW-Authenticate", f'Bearer realm="{VALUE}",service="x"')], b"{}")
        elif KIND == "headers":
            self.reply(200, [(f"X-{i}", "x" * 1000) for i in range(1000)], b"")
        elif KIND == "around" and not self.honest:
            self.reply(503, [], b"{}")
        else:
            self.send_response(307)
            to, path = VALUE if KIND in ("redirect", "once") else PORT, self.path
            if KIND == "once":
                path += f"?link={time.monotonic_ns()}"
            if KIND == "around":
                to, path = (PORT, path.replace("&hop", "")) if path.endswith("&hop&hop") else (VALUE, path + "&hop")
            self.send_header("Location", f"http://127.0.0.1:{to}{path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = serve

    def log_message(self, *args):
        pass


class Honest(Handler):
    honest = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass


if KIND in ("redirect", "around", "once"):
    threading.Thread(target=Server(("127.0.0.1", int(VALUE)), Honest).serve_forever, daemon=True).start()
Server(("127.0.0.1", PORT), Handler).serve_forever()
