/* SPDX-License-Identifier: Apache-2.0 */
/* The table of topics, and the smallest of them. Read topics.h first. */
#include "diagnose/topics.h"

#include <string.h>

#include "base/cleanup.h"
#include "diagnose/processes.h"
#include "diagnose/security.h"
#include "diagnose/usage.h"

static const struct topic topics[] = {
	{"health", true, diagnose_health},
	{"signals", false, diagnose_signals},
	{"zombies", true, NULL, diagnose_zombies},
	{"load", true, NULL, diagnose_load},
	{"cpu", true, diagnose_cpu},
	{"mem", true, diagnose_memory},
	{"limits", true, diagnose_limits},
	{"caps", false, diagnose_caps, .look = diagnose_denied},
	{"security", false, diagnose_security, .look = diagnose_refused},
	{"sysctl", false, diagnose_sysctl},
	{"net", true, NULL, diagnose_network},
	{"io", true, diagnose_io},
	{"disk", true, NULL, diagnose_disk},
};

const struct topic *topic_at(size_t i)
{
	return i < ARRAY_LEN(topics) ? &topics[i] : NULL;
}

const struct topic *topic_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (!strcmp(topics[i].name, name))
			return &topics[i];
	return NULL;
}

int topic_ask(const struct topic *t, struct engine *en, const struct container *c, struct story *s,
	      struct err *e)
{
	return t->ask ? t->ask(c, s, e) : t->ask_engine(en, c, s, e);
}

int diagnose_health(const struct container *c, struct story *s, struct err *e)
{
	const char *health = c->health ? c->health : "";
	s->verdict = !*health                       ? "it has no health check"
		     : !strcmp(health, "unhealthy") ? "its health check fails"
		     : !strcmp(health, "starting")
			     ? "its health check has neither succeeded nor failed so far"
			     : "its health check succeeds";
	if (!strcmp(health, "unhealthy"))
		story_advise(s,
			     "hull inspect -f '{{json .State.Health}}' %s shows what the checks "
			     "said",
			     c->name);
	return 0;
}
