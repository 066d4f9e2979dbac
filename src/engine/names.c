/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for containers that were given none: an adjective and the surname of someone who moved
 * science or engineering, as docker's users know it. The lists are hull's own.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

static const char *const adjectives[] = {
	"able",     "agile",    "amber",   "ample",    "apt",     "ardent",  "astute",  "balmy",
	"blithe",   "bold",     "brave",   "breezy",   "bright",  "brisk",   "calm",    "candid",
	"careful",  "cheery",   "civil",   "clear",    "clever",  "cordial", "cosmic",  "crisp",
	"curious",  "dapper",   "daring",  "deft",     "devoted", "eager",   "earnest", "easy",
	"elegant",  "exact",    "fair",    "fearless", "fervent", "fleet",   "fond",    "frank",
	"friendly", "frugal",   "gallant", "generous", "gentle",  "genuine", "gifted",  "glad",
	"golden",   "graceful", "handy",   "happy",    "hardy",   "honest",  "hopeful", "humble",
	"ideal",    "jolly",    "keen",    "kind",     "lively",  "loyal",   "lucid",   "lucky",
	"mellow",   "merry",    "mighty",  "modest",   "neat",    "nimble",  "noble",   "patient",
	"placid",   "playful",  "polite",  "proud",    "prudent", "quick",   "quiet",   "rapid",
	"ready",    "robust",   "rosy",    "serene",   "sharp",   "silent",  "sincere", "smart",
	"smooth",   "snug",     "sober",   "spry",     "stable",  "steady",  "sturdy",  "sunny",
	"swift",    "tidy",     "tender",  "tranquil", "trusty",  "upbeat",  "valiant", "vivid",
	"warm",     "wise",     "witty",   "zesty",
};
static const char *const surnames[] = {
	"abel",       "airy",         "ampere",       "archimedes",  "babbage",   "backus",
	"banach",     "becquerel",    "bell",         "bernoulli",   "bessel",    "bohr",
	"boltzmann",  "boole",        "bose",         "brahe",       "cantor",    "carnot",
	"carson",     "cauchy",       "cavendish",    "celsius",     "cerf",      "chebyshev",
	"church",     "clarke",       "copernicus",   "coulomb",     "cray",      "curie",
	"dalton",     "darwin",       "davy",         "dijkstra",    "dirac",     "edison",
	"einstein",   "eratosthenes", "erdos",        "euclid",      "euler",     "faraday",
	"fermat",     "fermi",        "feynman",      "fibonacci",   "fourier",   "franklin",
	"galileo",    "galois",       "gauss",        "germain",     "gibbs",     "godel",
	"hamilton",   "hamming",      "herschel",     "hertz",       "hilbert",   "hopper",
	"hubble",     "huygens",      "jacobi",       "joule",       "kelvin",    "kepler",
	"kilby",      "knuth",        "kovalevskaya", "lagrange",    "lamarr",    "laplace",
	"lavoisier",  "leibniz",      "linnaeus",     "lorentz",     "lovelace",  "markov",
	"maxwell",    "mccarthy",     "meitner",      "mendel",      "mendeleev", "minsky",
	"mirzakhani", "napier",       "newton",       "nightingale", "noether",   "ohm",
	"pascal",     "pasteur",      "pauling",      "planck",      "poincare",  "ptolemy",
	"pythagoras", "raman",        "ramanujan",    "riemann",     "ritchie",   "rontgen",
	"rutherford", "sagan",        "shannon",      "tesla",       "thompson",  "torvalds",
	"turing",     "volta",        "watt",         "weierstrass", "wiener",    "wilkes",
	"wirth",      "wu",           "young",        "yukawa",      "zuse",
};

int name_taken(struct engine *en, const char *name, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&en->db, &s, e, "SELECT 1 FROM container WHERE name = ?1", "s", name);
}

int name_generate(struct engine *en, char *buf, size_t size, struct err *e)
{
	for (unsigned tries = 0;; tries++) {
		uint16_t random[3];
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return err_errno(e, errno, "cannot draw a random name");
		int len =
			snprintf(buf, size, "%s_%s", adjectives[random[0] % ARRAY_LEN(adjectives)],
				 surnames[random[1] % ARRAY_LEN(surnames)]);
		/* The more names are taken, the longer a number it gets. */
		if (tries >= 4)
			snprintf(buf + len, size - (size_t)len, "%u",
				 random[2] % (tries < 8 ? 10u : 60000u));
		int r = name_taken(en, buf, e);
		if (r <= 0)
			return r;
	}
}
