#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token service for a registry (distribution's spec/auth/token.md and oauth.md).

usage: token_server.py PORT KEY.pem CERT.pem LOG

Knows the user "user" with the password "secret", and the identity token "identity". Everybody may
pull what begins with "public/", the user may do all. LOG gets a line for each request: its method,
kind of credentials, and scopes. Tokens are signed by openssl(1).
"""

import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse

PORT, KEY, CERT, LOG = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
DER = "".join(line for line in open(CERT).read().splitlines() if "-----" not in line)
USER = "Basic " + base64.b64encode(b"user:secret").decode()


def text64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(subject, access):
    now = int(time.time())
    head = {"typ": "JWT", "alg": "RS256", "x5c": [DER]}
    claims = {"iss": "tests", "sub": subject, "aud": "registry", "exp": now + 300, "nbf": now - 10,
              "iat": now, "jti": str(time.time()), "access": access}
    signed = text64(json.dumps(head).encode()) + "." + text64(json.dumps(claims).encode())
    made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=signed.encode(),
                          stdout=subprocess.PIPE, check=True).stdout
    return signed + "." + text64(made)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def serve(self, kind, subject, scopes):
        with open(LOG, "a") as log:
            print(self.command, kind, *scopes, file=log)
        if kind == "bad":
            self.answer(401, {"details": "incorrect username or password"})
            return
        access = []
        for scope in scopes:
            what, name, actions = scope.split(":")
            if subject != "user":
                actions = "pull" if name.startswith("public/") and "pull" in actions else ""
            access.append({"type": what, "name": name, "actions": [a for a in actions.split(",") if a]})
        made = token(subject, access)
        self.answer(200, {"token": made} if self.command == "GET" else {"access_token": made})

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        given = self.headers.get("Authorization")
        kind = "anonymous" if not given else "user" if given == USER else "bad"
        self.serve(kind, "user" if kind == "user" else "", query.get("scope", []))

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = form.get("refresh_token") == ["identity"] and form.get("grant_type") == ["refresh_token"]
        self.serve("identity" if good else "bad", "user", form.get("scope", []))

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
