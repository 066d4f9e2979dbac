# SPDX-License-Identifier: Apache-2.0
"""A browser, driven by W3C's WebDriver: Debian's chromium without a window, and its chromedriver.

with Browser() as b: b.open(URL); b.run("return document.title")
"""
import base64
import http.client
import json
import socket
import subprocess
import tempfile
import time

WINDOW = {"width": 1280, "height": 900}


class Browser:
    def __init__(self):
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = ""

    def __enter__(self):
        self.until(self.is_ready, "chromedriver answers")
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", f"--user-data-dir={self.home.name}",
                     "--window-size={width},{height}".format(**WINDOW)]
        wanted = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = "/session/" + answer["sessionId"]
        return self

    def __exit__(self, *what):
        if self.session:
            self.call("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait()
        self.home.cleanup()

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, json.dumps(body) if body is not None else None)
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(value["message"])
        return value

    def is_ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def open(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def run(self, script, *args):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": args})

    def text(self, selector):
        return self.run("const e = document.querySelector(arguments[0]); return e && e.innerText", selector)

    def until(self, is_true, what, seconds=120):
        end = time.monotonic() + seconds
        while not is_true():
            assert time.monotonic() < end, f"never true: {what}"
            time.sleep(0.1)

    def command(self, name, **params):
        """One of Chrome's own."""
        return self.call("POST", self.session + "/goog/cdp/execute", {"cmd": name, "params": params})

    def phone(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=2, mobile=True)

    def dark(self, dark):
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def log(self):
        """What stands in its console since the last call."""
        return self.call("POST", self.session + "/se/log", {"type": "browser"})

    def picture(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("GET", self.session + "/screenshot")))
