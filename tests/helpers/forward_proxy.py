#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A forward proxy: whatever host is named, it is the one at UPSTREAM-PORT of loopback.

usage: forward_proxy.py PORT UPSTREAM-PORT LOG [USER:PASSWORD]

LOG gets "METHOD WHAT" for each request: CONNECT HOST:PORT, or a method and the URL in full; behind it
"refused" where USER:PASSWORD is wanted and did not come.
"""

import base64
import http.client
import http.server
import socket
import sys
import threading

PORT, UPSTREAM, LOG = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
WANTED = "Basic " + base64.b64encode(sys.argv[4].encode()).decode() if len(sys.argv) > 4 else None


def pump(source, to):
    while data := source.recv(65536):
        to.sendall(data)
    to.shutdown(socket.SHUT_WR)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        """Is it one who may?"""
        good = WANTED in (None, self.headers.get("Proxy-Authorization"))
        with open(LOG, "a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path}{'' if good else ' refused'}\n")
        if not good:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="tests"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        return good

    def do_CONNECT(self):
        if not self.note():
            return
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", UPSTREAM)) as link:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=pump, args=(link, self.connection), daemon=True)
            back.start()
            try:
                pump(self.connection, link)
            except OSError:
                pass
            back.join()

    def relay(self):
        if not self.note():
            return
        path = "/" + self.path.split("/", 3)[3]
        size = int(self.headers.get("Content-Length") or 0)
        link = http.client.HTTPConnection("127.0.0.1", UPSTREAM)
        link.request(self.command, path, self.rfile.read(size), dict(self.headers))
        answer = link.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = relay


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
