#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that gives out what a folder has, whatever it is.

usage: crafted_registry.py PORT DIR

  DIR/manifests/TAG   with the Content-Type in DIR/manifests/TAG.type; also by its digest
  DIR/blobs/DIGEST    "sha256:..."
  DIR/token           what any other path answers
"""

import hashlib
import http.server
import os
import sys
import urllib.parse

PORT, DIR = int(sys.argv[1]), sys.argv[2]


def read(*names):
    with open(os.path.join(DIR, *names), "rb") as f:
        return f.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def find(self):
        path = urllib.parse.urlsplit(self.path).path.split("/")
        if path[1] != "v2" or not any(path[2:]):
            return ("{}" if path[1] == "v2" else read("token")), "application/json"
        kind, name = path[-2:]
        if kind == "blobs":
            return read("blobs", name), "application/octet-stream"
        for tag in os.listdir(os.path.join(DIR, "manifests")):
            if not tag.endswith(".type") and \
                    name in (tag, "sha256:" + hashlib.sha256(read("manifests", tag)).hexdigest()):
                return read("manifests", tag), read("manifests", tag + ".type").decode().strip()
        raise FileNotFoundError(name)

    def do_GET(self):
        try:
            body, kind = self.find()
            status = 200
        except OSError:
            body, kind, status = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}', "application/json", 404
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
