#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The page of hulld in a real browser: Debian's chromium, by tests/helpers/webdriver.py.

load ../e2e/lib
load ../e2e/api

setup() {
	command -v chromedriver >/dev/null || skip "needs chromium and chromedriver"
	hull_setup
	SOCKET=$WORK/api.sock
	serve_page
}
teardown() { [ -z "${WORK-}" ] || api_teardown; }

# Some 12 s: a browser starts, and looks every two seconds.
@test "page: use against limits, live; why the last ones ended; foreign text is text; a phone; light and dark" {
	hull run -d --name aa --cpus 0.5 -m 64m --memory-swap 64m --pids-limit 20 test \
		sh -c 'until [ -e /go ]; do sleep 1; done; while :; do :; done'
	run -137 hull run --name bb -m 16m --memory-swap 16m test /probe eat 64
	run -127 hull run --name cc -l 'x=<script>alert(1)</script>' test '<img src=x onerror=alert(1)><script>alert(2)</script>'
	hull run --rm --name dd test sh -c 'exit 3' || true
	cat >page.py <<-'EOF'
		import os, re, subprocess, sys
		sys.path.insert(0, os.environ["HELPERS"])
		from webdriver import Browser
		hull = lambda *words: subprocess.run([os.environ["HULL"], *words], check=True)

		def row(b, name):
		    return b.run("""for (const r of document.querySelectorAll("#rows tr"))
		        if (r.querySelector("b").textContent === arguments[0])
		            return Object.fromEntries([...r.children].map(c => [c.dataset.of, c.innerText]));
		        return null""", name)
		def cpu(b):
		    found = re.match(r"([0-9.]+) % of 50 %", row(b, "aa")["CPU"])
		    return float(found[1]) if found else None
		def ended(b, name):
		    return b.run("""return [...document.querySelectorAll("#ends li")].map(l => l.innerText)
		        .find(t => t.startsWith(arguments[0])) || "" """, name)
		def background(b):
		    return b.run("return getComputedStyle(document.body).backgroundColor")

		with Browser() as b:
		    b.open(sys.argv[1])
		    b.until(lambda: row(b, "aa"), "a row of aa")
		    assert "of 64 MiB" in row(b, "aa")["Memory"] and "of 20" in row(b, "aa")["Processes"]
		    b.until(lambda: cpu(b) is not None, "its processor time")
		    idle = cpu(b)
		    assert idle < 30, row(b, "aa")
		    hull("exec", "aa", "touch", "/go")
		    # A busy machine gives it less than its limit.
		    b.until(lambda: cpu(b) > idle + 5, "it works now")
		    assert "killed by the kernel: the container reached its memory limit of 16MiB" in ended(b, "bb"), b.text("#ends")
		    assert "with 3 after" in ended(b, "dd") and "removed" in ended(b, "dd")
		    b.run("document.getElementById('rest').open = true")
		    assert "<img src=x onerror=alert(1)><script>alert(2)</script>" in b.text("#rest")
		    assert b.run("return document.scripts.length + document.images.length") == 1
		    b.run("document.querySelectorAll('th button')[1].click()")
		    assert b.run("return document.querySelectorAll('th')[1].ariaSort") == "descending"

		    hull("rm", "-f", "aa")
		    b.until(lambda: not row(b, "aa"), "aa is gone")
		    assert "ended by hull" in ended(b, "aa") or "SIGKILL" in ended(b, "aa"), ended(b, "aa")
		    assert "No container runs here" in b.text("main")
		    hull("run", "-d", "--name", "a" * 120, "test", "sleep", "1000")
		    b.phone(390, 844)
		    b.until(lambda: row(b, "a" * 120), "a row of a long name")
		    assert b.run("return document.documentElement.scrollWidth") == 390
		    light = background(b)
		    b.dark(True)
		    assert background(b) != light
		    assert b.text("#live") == "live"
		    assert not [m for m in b.log() if m["level"] in ("WARNING", "SEVERE")]

		    os.kill(int(sys.argv[2]), 15)
		    b.until(lambda: "no answer since" in b.text("#live"), "it says that nobody answers")
	EOF
	HULL=$HULL HELPERS=$BATS_TEST_DIRNAME/../helpers on_page /usr/bin/python3 page.py "http://$PAGE/" $HULLD
}
