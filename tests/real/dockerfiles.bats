#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Dockerfiles as projects have them, on a Debian of debootstrap's: a C program, a Node service, nginx. What hull
# makes of each is compared with what `buildah bud` makes of it, file by file, and the config. Minutes, and needs the
# archive that apt uses: scripts/test-long runs it.
#
# HULL_TEST_DEV names a folder that debootstrap has filled already, with PACKAGES below, and Node if there is one.

bats_require_minimum_version 1.5.0
load ../e2e/lib
unset DOCKER_CONFIG

PACKAGES=nginx-light,gcc,libc6-dev,make

make_tree() {
	local mirror
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
	debootstrap --variant=minbase --include=$PACKAGES bookworm "$1" "$mirror" >"$1.log" 2>&1 ||
		{ tail -n 20 "$1.log"; return 1; }
	# Node as it is here: the archive's has four hundred packages behind it.
	[ ! -e /usr/lib/node_modules/npm ] || {
		mkdir -p "$1/usr/lib/node_modules" && cp -a /usr/bin/node "$1/usr/bin/" &&
			cp -a /usr/lib/node_modules/npm "$1/usr/lib/node_modules/" &&
			ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/bin/npm"
	}
}

bud() {
	buildah --root "$CACHE/b" --runroot "$CACHE/br" --storage-driver overlay "$@" 3>&-
}

setup_file() {
	[ -n "${HULL_TEST_LONG-}" ] || skip "long: scripts/test-long builds"
	export CACHE=$BATS_FILE_TMPDIR HULL_ROOT=$BATS_FILE_TMPDIR/root HULL_RUNROOT=$BATS_FILE_TMPDIR/run HULL_NETWORK=none
	local tree=${HULL_TEST_DEV-} c
	[ -n "$tree" ] || make_tree "${tree:=$CACHE/tree}"
	c=$(bud from scratch) && bud copy -q "$c" "$tree" / && bud commit -q "$c" localhost/base && bud rm "$c" &&
		bud push -q localhost/base "docker-archive:$CACHE/base.tar:localhost/base:latest" &&
		"$HULL" load -q -i "$CACHE/base.tar" 3>&-
	rm -rf "$CACHE/base.tar" "$CACHE/tree"
}

teardown_file() {
	[ -z "${CACHE-}" ] || ! mountpoint -q "$CACHE/b/overlay" || umount "$CACHE/b/overlay"
}

setup() {
	WORK=$BATS_TEST_TMPDIR STARTED=()
	cd "$WORK" && mkdir ctx
}

# Each entry but times (and but the root, for which containers/storage has a mode of its own): type, mode, owner, link,
# content. What engines put into a container is none of an image.
listing() {
	(
		cd "$1" || exit
		find . -mindepth 1 \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./etc/hosts -o \
			-path ./etc/resolv.conf -o -path ./etc/hostname \) -prune -o -printf '%y %m %U:%G %p %l\n' | sort -k4 >"$WORK/entries"
		cat "$WORK/entries"
		sed -n 's/^f [^ ]* [^ ]* \(.*\) $/\1/p' "$WORK/entries" | tr '\n' '\0' | xargs -0 sha256sum
	)
}

# What an archive of docker's says of its image.
config_of() {
	python3 - "$1" <<-'E'
		import json, sys, tarfile
		t = tarfile.open(sys.argv[1])
		name = json.load(t.extractfile("manifest.json"))[0]["Config"]
		c = json.load(t.extractfile(name))["config"]
		for key in "Env User WorkingDir Entrypoint Cmd Volumes ExposedPorts StopSignal Labels OnBuild".split():
		    value = c.get(key)
		    if key == "Env" and value:  # buildah notes the default of a base that has none
		        value = [v for v in value if not v.startswith("PATH=")]
		    if key == "Labels" and value:
		        value.pop("io.buildah.version", None)
		    if value:
		        print(key, json.dumps(value, sort_keys=True))
	E
}

same_as_buildah() {
	local c
	run -0 hull build -t out -o type=docker,dest=hull.tar "$@" ctx
	# In the network of nobody: nothing is fetched.
	run -0 unshare --net buildah --root "$CACHE/b" --runroot "$CACHE/br" --storage-driver overlay bud -q \
		--isolation chroot --network host --layers --format docker -t theirs "$@" ctx 3>&-
	hull build -q -o ours "$@" ctx
	c=$(bud from theirs) && listing "$(bud mount "$c")" >theirs.list && bud rm "$c" >/dev/null
	listing ours >ours.list
	diff theirs.list ours.list
	[ "$(wc -l <ours.list)" -gt 5000 ]
	bud push -q theirs "docker-archive:$PWD/theirs.tar:theirs:latest"
	diff <(config_of theirs.tar) <(config_of hull.tar)
	rm -rf ours
}

@test "a C program: compiled in a stage, installed into another" {
	mkdir ctx/include
	echo '#define GREETING "hello"' >ctx/include/greet.h
	printf '%s\n' '#include <stdio.h>' '#include "greet.h"' 'void greet(const char *w);' \
		'int main(int c, char **v) { greet(c > 1 ? v[1] : "you"); }' >ctx/main.c
	printf '%s\n' '#include <stdio.h>' '#include "greet.h"' \
		'void greet(const char *w) { printf(GREETING ", %s\n", w); }' >ctx/greet.c
	printf '%s\n' 'greet: main.o greet.o' 'install: greet' \
		'	install -D -m 755 greet $(DESTDIR)/usr/bin/greet' '	ln -s greet $(DESTDIR)/usr/bin/hi' \
		'CFLAGS += -Iinclude' >ctx/Makefile
	echo junk >ctx/main.o
	echo '*.o' >ctx/.dockerignore
	cat >ctx/Dockerfile <<-'E'
		ARG BASE=localhost/base
		FROM ${BASE} AS build
		ARG CFLAGS=-O2
		WORKDIR /src
		COPY Makefile *.c ./
		COPY include/ include/
		RUN make CFLAGS="$CFLAGS -Iinclude" && make install DESTDIR=/out CFLAGS="$CFLAGS -Iinclude"
		FROM ${BASE}
		LABEL org.example.name=greet org.example.words="two words"
		ENV LANG=C.UTF-8 GREET_DIR=/var/lib/greet
		COPY --from=build /out/ /
		RUN useradd --system --uid 900 --home-dir "$GREET_DIR" --create-home app
		WORKDIR $GREET_DIR
		COPY --chown=app:root --chmod=640 include/greet.h doc/
		USER app
		EXPOSE 8080 9090/udp
		ENTRYPOINT ["/usr/bin/greet"]
		CMD ["world"]
	E
	same_as_buildah
	[ "$(hull run --rm out)" = "hello, world" ]
}

@test "a Node service: its packages from files, by npm" {
	[ -e /usr/lib/node_modules/npm ] || skip "there is no npm here"
	mkdir -p ctx/vendor ctx/src ctx/node_modules/junk
	local name
	for name in semver ms; do
		tar -C /usr/lib/node_modules/npm/node_modules --transform "s,^$name,package," -czf ctx/vendor/$name.tgz $name
	done
	echo '{"name":"app","version":"1.0.0","dependencies":{"semver":"file:vendor/semver.tgz","ms":"file:vendor/ms.tgz"}}' \
		>ctx/package.json
	echo 'console.log(require("semver").inc("1.2.3", "minor"), require("ms")("2 days"))' >ctx/src/main.js
	printf '%s\n' node_modules '**/*.log' >ctx/.dockerignore
	touch ctx/src/x.log
	cat >ctx/Dockerfile <<-'E'
		FROM localhost/base
		ENV NODE_ENV=production npm_config_cache=/tmp/npm npm_config_update_notifier=false
		RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
		WORKDIR /app
		COPY package.json ./
		COPY vendor vendor
		RUN npm install --offline --no-audit --no-fund && rm -rf /tmp/npm /root/.npm
		COPY --chown=node:node src src
		RUN node src/main.js >answer
		USER node
		EXPOSE 3000
		STOPSIGNAL SIGINT
		CMD ["node", "src/main.js"]
	E
	same_as_buildah
	[ "$(hull run --rm out)" = "1.3.0 172800000" ]
}

@test "nginx: a configuration, a site, an archive" {
	mkdir -p ctx/site/sub assets
	echo '<h1>it works</h1>' >ctx/site/index.html
	echo secret >ctx/site/draft.bak
	echo kept >ctx/site/sub/keep.bak
	ln -s ../index.html ctx/site/sub/link.html
	head -c 100000 /dev/urandom >assets/logo.png
	chmod 600 assets/logo.png
	tar -C assets -czf ctx/assets.tar.gz .
	printf '%s\n' '**/*.bak' '!site/sub/keep.bak' >ctx/.dockerignore
	printf '%s\n' 'events {}' 'http { server { listen 8080; root /var/www/html; } }' >ctx/nginx.conf
	cat >ctx/Dockerfile <<-'E'
		FROM localhost/base
		RUN rm -rf /var/www/html/* /etc/nginx/sites-enabled && \
		    ln -sf /dev/stdout /var/log/nginx/access.log && \
		    ln -sf /dev/stderr /var/log/nginx/error.log
		COPY nginx.conf /etc/nginx/nginx.conf
		COPY --chown=www-data:www-data site/ /var/www/html/
		ADD assets.tar.gz /var/www/html/assets/
		RUN nginx -t && rm -f /run/nginx.pid && chmod -R go+rX /var/www/html
		SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
		RUN dpkg -l | grep -c ^ii >/packages
		VOLUME /var/cache/nginx
		EXPOSE 8080
		STOPSIGNAL SIGQUIT
		CMD ["nginx", "-g", "daemon off;"]
	E
	same_as_buildah
}
