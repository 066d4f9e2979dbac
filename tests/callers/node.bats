#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# dockerode and testcontainers, from the npm registry, against hulld: everyday examples, in a network namespace of their
# own. Installed once into build/npm; where that cannot be, the cases are left out.

load ../e2e/lib
load ../e2e/api

setup_file() {
	command -v npm >/dev/null || return 0
	export NODE_PATH=$BATS_TEST_DIRNAME/../../build/npm/node_modules
	[ -e "$NODE_PATH/testcontainers" ] || timeout 120 npm install --prefix "${NODE_PATH%/node_modules}" --no-audit --no-fund \
		--ignore-scripts --no-package-lock dockerode@4.0.12 testcontainers@11.14.0 >/dev/null 2>&1 3>&- || rm -rf "$NODE_PATH"
}

setup() {
	[ -e "${NODE_PATH:-/nowhere}/testcontainers" ] || skip "needs npm and its registry"
	api_namespace_setup
	nsenter -n -t "$HOST" ip link set lo up
	printf '%s\n' 'FROM test' 'LABEL a=b' >Dockerfile
}
teardown() { [ ! -e "${NODE_PATH:-/nowhere}/testcontainers" ] || api_namespace_teardown; }

# node in the namespace of the case, with a program from standard input.
node_there() {
	cat >program.mjs
	ln -sfn "$NODE_PATH" node_modules
	TMPDIR=$PWD TESTCONTAINERS_RYUK_DISABLED=true timeout 100 nsenter -n -t "$HOST" node program.mjs 3>&-
}

@test "dockerode: its everyday examples" {
	run -0 node_there <<-'EOF'
		import Docker from "dockerode";
		import { PassThrough } from "node:stream";
		import { strict as assert } from "node:assert";
		const docker = new Docker({ socketPath: process.env.DOCKER_HOST.slice(7) });
		const HostConfig = { NetworkMode: "none" };
		const text = s => { const parts = []; s.on("data", d => parts.push(d)); return () => Buffer.concat(parts).toString(); };
		let out = new PassThrough(), err = new PassThrough(), seen = text(out), wrong = text(err);
		const [{ StatusCode }, ran] = await docker.run("test", ["sh", "-c", "echo out; echo err >&2; exit 3"], [out, err], { Tty: false, HostConfig });
		assert.equal(StatusCode, 3);
		assert.equal(seen(), "out\n");
		assert.equal(wrong(), "err\n");
		await ran.remove();
		const c = await docker.createContainer({ Image: "test", name: "aa", Cmd: ["cat"], OpenStdin: true, Tty: true, HostConfig });
		const io = await c.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
		seen = text(io);
		await c.start();
		await c.resize({ h: 30, w: 100 });
		io.write("typed\n");
		while (!seen().includes("typed\r\ntyped")) await new Promise(r => setTimeout(r, 20));
		const exec = await c.exec({ Cmd: ["sh", "-c", "read x; echo got $x; exit 4"], AttachStdin: true, AttachStdout: true });
		const stream = await exec.start({ hijack: true, stdin: true });
		out = new PassThrough(), seen = text(out);
		docker.modem.demuxStream(stream, out, out);
		stream.end("word\n");
		await new Promise(r => stream.on("end", r));
		assert.equal(seen(), "got word\n");
		assert.equal((await exec.inspect()).ExitCode, 4);
		assert.deepEqual((await docker.listContainers({ filters: { name: ["aa"] } })).map(x => x.Names[0]), ["/aa"]);
		assert.ok((await c.stats({ stream: false })).cpu_stats.cpu_usage.total_usage > 0);
		const events = await docker.getEvents({ filters: { container: ["aa"] } });
		const died = new Promise(r => events.on("data", d => { if (String(d).includes('"die"')) { events.destroy(); r(); } }));
		await c.stop({ t: 0 });
		await died;
		assert.equal((await c.inspect()).State.ExitCode, 137);
		await c.putArchive(await c.getArchive({ path: "/data/file" }), { path: "/tmp" });
		await c.remove();
		await assert.rejects(docker.getContainer("aa").inspect(), { statusCode: 404 });
		const build = await docker.buildImage({ context: process.cwd(), src: ["Dockerfile"] }, { t: "built" });
		const steps = await new Promise((ok, no) => docker.modem.followProgress(build, (e, all) => e ? no(e) : ok(all)));
		assert.ok(steps.length > 1);
		assert.equal((await docker.getImage("built").inspect()).Config.Labels.a, "b");
		await docker.getImage("built").remove();
	EOF
}

@test "testcontainers: a service that is waited for, its port, its log, exec, files, a network" {
	run -0 node_there <<-'EOF'
		import { GenericContainer, Network, Wait } from "testcontainers";
		import { strict as assert } from "node:assert";
		import net from "node:net";
		const said = port => new Promise((ok, no) => net.connect(port, "127.0.0.1").on("data", d => ok(String(d))).on("error", no));
		const network = await new Network().start();
		const c = await new GenericContainer("test")
			.withCommand(["sh", "-c", "nc -ll -p 80 -e echo hello"])
			.withEnvironment({ A: "b" }).withExposedPorts(80).withNetwork(network).withNetworkAliases("service")
			.withCopyContentToContainer([{ content: "copied", target: "/tmp/copied" }])
			.withWaitStrategy(Wait.forListeningPorts()).start();
		assert.equal(await said(c.getMappedPort(80)), "hello\n");
		const { output, exitCode } = await c.exec(["sh", "-c", "echo $A; cat /tmp/copied; exit 2"]);
		assert.deepEqual([output, exitCode], ["b\ncopied", 2]);
		const other = await new GenericContainer("test").withCommand(["sh", "-c", "nc service 80; sleep 100"]).withNetwork(network)
			.withWaitStrategy(Wait.forLogMessage("hello")).start();
		const healthy = await new GenericContainer("test").withCommand(["sleep", "100"])
			.withHealthCheck({ test: ["CMD", "true"], interval: 200, retries: 5 }).withWaitStrategy(Wait.forHealthCheck()).start();
		await c.restart();
		for (const x of [healthy, other, c]) await x.stop({ timeout: 100 });
		await network.stop();
	EOF
	assert_equal "" "$(hull ps -aq)"
}
