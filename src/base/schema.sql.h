/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the state store, in one place. Times are nanoseconds since 1970, UTC.
 * What dies with the boot (pids, sockets, FIFOs) is not here but in files below --runroot.
 */
#pragma once

#define SCHEMA_VERSION 12

/* Of a config what lists show, in its form and without what is not set: to parse all of it, for all
 * containers, takes most of a list's time. None of it changes after a container was made. */
#define SCHEMA_SHOWN(config)                                                                       \
	"iif(json_valid(" config "), json_patch('{}', json_object("                                \
	"'Config', json_object("                                                                   \
	"'ExposedPorts', " config " -> '$.Config.ExposedPorts', "                                  \
	"'Volumes', " config " -> '$.Config.Volumes'), "                                           \
	"'HostConfig', json_object("                                                               \
	"'NetworkMode', " config " -> '$.HostConfig.NetworkMode', "                                \
	"'Annotations', " config " -> '$.HostConfig.Annotations', "                                \
	"'Binds', " config " -> '$.HostConfig.Binds', "                                            \
	"'Mounts', " config " -> '$.HostConfig.Mounts', "                                          \
	"'VolumesFrom', " config " -> '$.HostConfig.VolumesFrom', "                                \
	"'Tmpfs', " config " -> '$.HostConfig.Tmpfs'))), '')"

#define SCHEMA_EVENT_SQL                                                                           \
	/* What happened, for hull events; trimmed (base/event.h). */                              \
	"CREATE TABLE event ("                                                                     \
	"  seq INTEGER PRIMARY KEY,"                                                               \
	"  time INTEGER NOT NULL,"                                                                 \
	"  type TEXT NOT NULL,"      /* container image volume */                                  \
	"  action TEXT NOT NULL,"    /* docker's: create start die ... */                          \
	"  actor TEXT NOT NULL,"     /* id or name */                                              \
	"  attributes TEXT NOT NULL" /* JSON object of texts */                                    \
	") STRICT;"

#define SCHEMA_MANIFEST_SQL                                                                        \
	/* What an image came by, byte for byte, so that it can go elsewhere as it came. */        \
	"CREATE TABLE manifest ("                                                                  \
	"  image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"                                \
	"  digest TEXT NOT NULL," /* sha256:<hex> */                                               \
	"  media_type TEXT NOT NULL,"                                                              \
	"  text TEXT NOT NULL,"                                                                    \
	"  repository TEXT NOT NULL," /* docker.io/library/busybox: it has the blobs */            \
	"  PRIMARY KEY (image, digest)"                                                            \
	") STRICT, WITHOUT ROWID;"

#define SCHEMA_BUILD_CACHE_SQL                                                                     \
	/* What a step of a build came to (build/cache.c). */                                      \
	"CREATE TABLE build_cache ("                                                               \
	"  key TEXT PRIMARY KEY,"        /* sha256 of all that it depends on */                    \
	"  layer TEXT REFERENCES layer," /* NULL: it changed nothing */                            \
	"  chain TEXT NOT NULL,"         /* the tree after it, in keys of later steps */           \
	"  text TEXT NOT NULL,"          /* the instruction, for people */                         \
	"  created INTEGER NOT NULL,"                                                              \
	"  used INTEGER NOT NULL"                                                                  \
	") STRICT, WITHOUT ROWID;"                                                                 \
	"CREATE INDEX build_cache_layer ON build_cache(layer);"

/* Networks, and who is on them. An address or a port is taken as long as its container runs: what
 * stands in these rows of one that does not is what it had last, and free. A network may go while
 * its containers do not run: then its name is all that is known of it. */
#define SCHEMA_ENDPOINT_SQL                                                                        \
	"CREATE TABLE endpoint ("                                                                  \
	"  container TEXT NOT NULL REFERENCES container ON DELETE CASCADE,"                        \
	"  network TEXT NOT NULL,"                                                                 \
	"  position INTEGER NOT NULL,"        /* eth0, eth1, ... inside */                         \
	"  config TEXT NOT NULL,"             /* struct docker_endpoint: what was asked for */     \
	"  host4 INTEGER NOT NULL DEFAULT 0," /* its address: that of the subnet + this; < 0: it   \
					       * had that; 0: none                                 \
					       */                                                  \
	"  host6 INTEGER NOT NULL DEFAULT 0,"                                                      \
	"  name TEXT NOT NULL," /* of the network */                                               \
	"  PRIMARY KEY (container, network)"                                                       \
	") STRICT, WITHOUT ROWID;"                                                                 \
	"CREATE INDEX endpoint_network ON endpoint(network);"

#define SCHEMA_NETWORK_SQL                                                                         \
	"CREATE TABLE network ("                                                                   \
	"  id TEXT PRIMARY KEY,"                                                                   \
	"  name TEXT NOT NULL UNIQUE,"                                                             \
	"  created INTEGER NOT NULL,"                                                              \
	"  config TEXT NOT NULL" /* struct docker_network as JSON */                               \
	") STRICT;" SCHEMA_ENDPOINT_SQL "CREATE TABLE port ("                                      \
	"  container TEXT NOT NULL REFERENCES container ON DELETE CASCADE,"                        \
	"  protocol INTEGER NOT NULL," /* IPPROTO_* */                                             \
	"  host_port INTEGER NOT NULL,"                                                            \
	"  host_ip TEXT NOT NULL," /* '': every address */                                         \
	"  port INTEGER NOT NULL," /* of the container */                                          \
	"  address TEXT NOT NULL," /* of the container, where it leads to */                       \
	"  PRIMARY KEY (protocol, host_port, host_ip, container, address)"                         \
	") STRICT, WITHOUT ROWID;"                                                                 \
	"CREATE INDEX port_container ON port(container);"

#define SCHEMA_SECRET_SQL                                                                          \
	/* What is in it is the file secrets/<id>. */                                              \
	"CREATE TABLE secret ("                                                                    \
	"  id TEXT PRIMARY KEY,"                                                                   \
	"  name TEXT NOT NULL UNIQUE,"                                                             \
	"  labels TEXT NOT NULL,"                                                                  \
	"  created INTEGER NOT NULL,"                                                              \
	"  updated INTEGER NOT NULL"                                                               \
	") STRICT, WITHOUT ROWID;"

/* From version i + 1 to the next: restart policies; events and health checks; registries; builds;
 * networks; what ps shows of a config; networks that go before their containers; what the API
 * shows; what to do about a failed start; annotations in lists;
 * secrets. */
#define SCHEMA_UPGRADES                                                                            \
	{                                                                                          \
		"ALTER TABLE container ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;"            \
		"ALTER TABLE container ADD COLUMN restart_wait INTEGER NOT NULL DEFAULT 0;"        \
		"ALTER TABLE container ADD COLUMN restart_due INTEGER NOT NULL DEFAULT 0;"         \
		"ALTER TABLE container ADD COLUMN held INTEGER NOT NULL DEFAULT 0",                \
			"ALTER TABLE container ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"        \
			"ALTER TABLE container ADD COLUMN health TEXT NOT NULL DEFAULT '';"        \
			"UPDATE container SET told = 1 WHERE status = "                            \
			"'running';" SCHEMA_EVENT_SQL,                                             \
			SCHEMA_MANIFEST_SQL, SCHEMA_BUILD_CACHE_SQL, SCHEMA_NETWORK_SQL,           \
			"ALTER TABLE container ADD COLUMN shown TEXT NOT NULL DEFAULT '';"         \
			"UPDATE container SET shown = json_object('Config', "                      \
			"json_object('ExposedPorts', config -> '$.Config.ExposedPorts'), "         \
			"'HostConfig', json_object('NetworkMode', "                                \
			"config -> '$.HostConfig.NetworkMode')) WHERE "                            \
			"iif(json_valid(config), config -> '$.Config.ExposedPorts', NULL)",        \
			"ALTER TABLE endpoint RENAME TO endpoint7;"                                \
			"DROP INDEX endpoint_network;" SCHEMA_ENDPOINT_SQL                         \
			"INSERT INTO endpoint SELECT container, network, position, "               \
			"endpoint7.config, host4, host6, network.name FROM endpoint7 JOIN "        \
			"network ON network.id = network;"                                         \
			"DROP TABLE endpoint7",                                                    \
			"UPDATE container SET shown = " SCHEMA_SHOWN("config"),                    \
			"ALTER TABLE container ADD COLUMN hint TEXT NOT NULL DEFAULT ''",          \
			"UPDATE container SET shown = " SCHEMA_SHOWN("config"), SCHEMA_SECRET_SQL  \
	}

#define SCHEMA_SQL                                                                                  \
	/* A file tree that one layer archive became; folder layers/<diff_id>. */                   \
	"CREATE TABLE layer ("                                                                      \
	"  diff_id TEXT PRIMARY KEY," /* sha256 of the plain tar, 64 hex digits */                  \
	"  size INTEGER NOT NULL,"    /* bytes of its regular files */                              \
	"  created INTEGER NOT NULL"                                                                \
	") STRICT;"                                                                                 \
	"CREATE TABLE image ("                                                                      \
	"  id TEXT PRIMARY KEY,"      /* sha256 of the config, 64 hex digits */                     \
	"  config TEXT NOT NULL,"     /* the OCI image config, byte for byte */                     \
	"  size INTEGER NOT NULL,"    /* sum of its layers */                                       \
	"  created INTEGER NOT NULL," /* as the config says, 0 if it does not */                    \
	"  loaded INTEGER NOT NULL"                                                                 \
	") STRICT;"                                                                                 \
	"CREATE TABLE image_layer ("                                                                \
	"  image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"                                 \
	"  position INTEGER NOT NULL," /* 0 is the lowest */                                        \
	"  layer TEXT NOT NULL REFERENCES layer,"                                                   \
	"  PRIMARY KEY (image, position)"                                                           \
	") STRICT, WITHOUT ROWID;"                                                                  \
	"CREATE INDEX image_layer_layer ON image_layer(layer);" /* Names of images, normalised:     \
								   docker.io/library/busybox:latest \
								 */                                 \
	"CREATE TABLE reference ("                                                                  \
	"  name TEXT PRIMARY KEY,"                                                                  \
	"  image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"                                 \
	"  digest TEXT" /* of the manifest it came by, sha256:<hex>, or NULL */                     \
	") STRICT, WITHOUT ROWID;"                                                                  \
	"CREATE INDEX reference_image ON reference(image);"                                         \
	"CREATE TABLE container ("                                                                  \
	"  id TEXT PRIMARY KEY,"                                                                    \
	"  name TEXT NOT NULL UNIQUE,"                                                              \
	"  image TEXT,"               /* image id, NULL with --rootfs */                            \
	"  image_name TEXT NOT NULL," /* as the user typed it */                                    \
	"  command TEXT NOT NULL,"    /* path and arguments, for ps */                              \
	"  labels TEXT NOT NULL,"     /* JSON object, also inside config; here for ps */            \
	"  created INTEGER NOT NULL,"                                                               \
	"  status TEXT NOT NULL," /* created running exited removing */                             \
	"  auto_remove INTEGER NOT NULL,"                                                           \
	"  started INTEGER NOT NULL DEFAULT 0,"                                                     \
	"  finished INTEGER NOT NULL DEFAULT 0,"                                                    \
	"  exit_code INTEGER NOT NULL DEFAULT 0,"                                                   \
	"  exit_signal INTEGER NOT NULL DEFAULT 0,"                                                 \
	"  oom_killed INTEGER NOT NULL DEFAULT 0," /* 2: the first process was */                   \
	"  oom_kills INTEGER NOT NULL DEFAULT 0,"  /* processes killed, children included */        \
	"  error TEXT NOT NULL DEFAULT '',"                                                         \
	"  hint TEXT NOT NULL DEFAULT '',"       /* what to do about it */                          \
	"  restarts INTEGER NOT NULL DEFAULT 0," /* by its policy, since it was started by hand */  \
	"  restart_wait INTEGER NOT NULL DEFAULT 0," /* before the last one, ms */                  \
	"  restart_due INTEGER NOT NULL DEFAULT 0,"  /* the next one; 0: none */                    \
	"  held INTEGER NOT NULL DEFAULT 0,"         /* somebody wanted it stopped */               \
	"  told INTEGER NOT NULL DEFAULT 0,"         /* events of its run: enum told of event.h */  \
	"  health TEXT NOT NULL DEFAULT ''," /* starting healthy unhealthy; '': not checked */      \
	"  shown TEXT NOT NULL DEFAULT '',"  /* SCHEMA_SHOWN(config); '' if that is damaged */      \
	"  config TEXT NOT NULL" /* struct container_config as JSON; last, because it is long */    \
	") STRICT;"                                                                                 \
	"CREATE INDEX container_image ON container(image);"                                         \
	"CREATE TABLE volume ("                                                                     \
	"  name TEXT PRIMARY KEY,"                                                                  \
	"  anonymous INTEGER NOT NULL,"                                                             \
	"  labels TEXT NOT NULL DEFAULT '{}',"                                                      \
	"  options TEXT NOT NULL DEFAULT '{}',"                                                     \
	"  created INTEGER NOT NULL"                                                                \
	") STRICT, WITHOUT ROWID;"                                                                  \
	"CREATE TABLE volume_use ("                                                                 \
	"  volume TEXT NOT NULL REFERENCES volume,"                                                 \
	"  container TEXT NOT NULL REFERENCES container ON DELETE CASCADE,"                         \
	"  destination TEXT NOT NULL,"                                                              \
	"  PRIMARY KEY (volume, container, destination)"                                            \
	") STRICT, WITHOUT ROWID;"                                                                  \
	"CREATE INDEX volume_use_container ON volume_use(container);" SCHEMA_EVENT_SQL              \
		SCHEMA_MANIFEST_SQL SCHEMA_BUILD_CACHE_SQL SCHEMA_NETWORK_SQL SCHEMA_SECRET_SQL
