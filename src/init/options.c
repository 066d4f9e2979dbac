// SPDX-License-Identifier: Apache-2.0
/*
 * The command line: one table says name, letter, value and help of each option.
 *
 * tini and dumb-init both stop at the first word that is no option (getopt(3) with "+"), and so
 * does this. Their letters differ (-v, -V, -s ...): the table says in which dialect a letter means
 * the option. Sources: the tini 0.19 and dumb-init 1.2.5 manuals.
 *
 * Invariant: no system calls and no output but options_help(); runs in the unit tests on a host
 * libc. Next: main.c.
 */
#include "options.h"
#include "text.h"

#define HULL DIALECT_HULL
#define TINI DIALECT_TINI
#define DUMB DIALECT_DUMB_INIT
#define EVERY (HULL | TINI | DUMB)

#define SIGINT 2
#define SIGTERM 15
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22

/* What an option does with its value. FLAG writes one byte into struct options. */
enum action {
	FLAG,
	FORWARD,
	GROUP,
	SINGLE_CHILD,
	GRACE,
	STOP_SIGNAL,
	REST_SIGNAL,
	REWRITE,
	PARENT_DEATH,
	SUCCESS_CODE,
	REPORT_FD,
	VERBOSE,
	HELP,
	VERSION,
	LICENSE,
};

struct option {
	char name[21];
	char letter;      /* 0: none */
	uint8_t dialects; /* in which the letter means this */
	uint8_t action;
	uint8_t field;  /* FLAG: which byte of struct options */
	uint8_t set;    /* FLAG: its new value */
	char value[12]; /* what help calls the value; empty: takes none */
	char help[64];
};

#define FLAG_OF(field, value) FLAG, __builtin_offsetof(struct options, field), value

/* wait_all before the end of parsing: the default depends on the other options. */
#define WAIT_UNSET 2

/* rewrite before the end of parsing: "TSTP:TSTP" is a wish, too. */
#define REWRITE_UNSET 255

/* clang-format off: one option in two lines */
static const struct option table[] = {
	{"forward", 'f', HULL, FORWARD, 0, 0, "[SIG,..:]TO",
	 "send signals to main, group, all or auto (default)"},
	{"group", 'g', HULL | TINI, GROUP, 0, 0, "", "the same as --forward group"},
	{"single-child", 'c', HULL | DUMB, SINGLE_CHILD, 0, 0, "",
	 "the same as --forward main, without --setsid"},
	{"grace", 't', HULL, GRACE, 0, 0, "TIME",
	 "time to end before KILL: 10, 2.5s, 500ms, none (default 10s)"},
	{"wait", 'a', HULL, FLAG_OF(wait_all, 1), "",
	 "stay until all processes ended (default with all, auto)"},
	{"no-wait", 0, 0, FLAG_OF(wait_all, 0), "", "exit when the main process ended"},
	{"stop-signal", 'S', HULL, STOP_SIGNAL, 0, 0, "SIG",
	 "a signal that begins the stop, beside TERM"},
	{"rest-signal", 'R', HULL, REST_SIGNAL, 0, 0, "SIG",
	 "to those who outlive the main process; 0 none (default TERM)"},
	{"rewrite", 'r', HULL | DUMB, REWRITE, 0, 0, "SIG:SIG",
	 "send the second in place of the first; 0 drops it"},
	{"setsid", 0, 0, FLAG_OF(session, 1), "", "give the main process its own session"},
	{"no-setsid", 0, 0, FLAG_OF(session, 0), "", "only its own process group (default)"},
	{"no-terminal", 0, 0, FLAG_OF(terminal, 0), "", "leave the terminal's foreground as it is"},
	{"parent-death-signal", 'p', HULL | TINI, PARENT_DEATH, 0, 0, "SIG",
	 "receive SIG when the parent process dies"},
	{"subreaper", 's', HULL | TINI, FLAG_OF(subreaper, 1), "",
	 "adopt orphans though not PID 1 (implied by --wait)"},
	{"success-code", 'e', HULL | TINI, SUCCESS_CODE, 0, 0, "CODE",
	 "exit with 0 if the main process exits with CODE"},
	{"report-fd", 0, 0, REPORT_FD, 0, 0, "FD", "write records (report.h) to descriptor FD"},
	{"warn-reaped", 'w', HULL | TINI, FLAG_OF(warn_reaped, 1), "",
	 "name every orphan that is reaped"},
	{"verbose", 'v', EVERY, VERBOSE, 0, 0, "",
	 "say what is done; twice: name every orphan, too"},
	{"help", 'h', EVERY, HELP, 0, 0, "", "print this"},
	{"version", 'V', HULL | DUMB, VERSION, 0, 0, "", "print the version"},
	{"license", 'l', HULL | TINI, LICENSE, 0, 0, "", "print the licence"},
};
/* clang-format on */

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

static bool parse_signal(const char *text, int lowest, int *ret_sig)
{
	int sig = signal_parse(text);

	if (sig < lowest)
		return false;
	*ret_sig = sig;
	return true;
}

/* Copy the word at *text, up to the character end or other or its end, and move *text there. */
static bool next_word(const char **text, char end, char other, char word[SIGNAL_NAME_SIZE])
{
	size_t length = 0;
	const char *at = *text;

	for (; *at && *at != end && *at != other; at++) {
		if (length == SIGNAL_NAME_SIZE - 1)
			return false;
		word[length++] = *at;
	}
	word[length] = '\0';
	*text = at;
	return true;
}

static int parse_scope(const char *text)
{
	if (text_equal(text, "main"))
		return INIT_SCOPE_MAIN;
	if (text_equal(text, "group"))
		return INIT_SCOPE_GROUP;
	if (text_equal(text, "all"))
		return INIT_SCOPE_ALL;
	return text_equal(text, "auto") ? OPTIONS_SCOPE_AUTO : -1;
}

static void set_scope(struct options *o, int scope)
{
	memset(o->scope, scope, sizeof(o->scope));
}

/* "TO" or "SIG[,SIG...]:TO". */
static const char *parse_forward(struct options *o, const char *text)
{
	const char *colon = text;
	int scope;

	while (*colon && *colon != ':')
		colon++;
	scope = parse_scope(*colon ? colon + 1 : text);
	if (scope < 0)
		return "is not main, group, all or auto";
	if (!*colon) {
		set_scope(o, scope);
		return NULL;
	}
	for (;; text++) {
		char word[SIGNAL_NAME_SIZE];
		int sig;

		if (!next_word(&text, ',', ':', word) || !parse_signal(word, 1, &sig))
			return "begins with something that is no signal";
		o->scope[sig] = (uint8_t)scope;
		if (*text == ':')
			return NULL;
	}
}

static const char *parse_rewrite(struct options *o, const char *text)
{
	char word[SIGNAL_NAME_SIZE];
	int from, to;

	if (!next_word(&text, ':', ':', word) || *text != ':' || !parse_signal(word, 1, &from) ||
	    !parse_signal(text + 1, 0, &to))
		return "is not SIGNAL:SIGNAL";
	o->rewrite[from] = (uint8_t)to;
	return NULL;
}

/* Milliseconds in the unit that stands at text, or 0. */
static int64_t parse_unit(const char *text)
{
	if (!*text || text_equal(text, "s"))
		return 1000;
	if (text_equal(text, "ms"))
		return 1;
	return text_equal(text, "m") ? 60000 : 0;
}

/* "10", "2.5s", "500ms", "1m"; "none" or "-1": no limit. */
static const char *parse_grace(struct options *o, const char *text)
{
	int64_t whole, unit;
	int64_t thousandths = 0;

	if (text_equal(text, "none") || text_equal(text, "-1")) {
		o->grace_ms = OPTIONS_GRACE_NO_LIMIT;
		return NULL;
	}
	whole = text_number(&text, OPTIONS_GRACE_MAX_MS);
	if (whole < 0)
		return "is not a time";
	if (*text == '.') {
		text++;
		for (int64_t digit = 100; *text >= '0' && *text <= '9'; digit /= 10)
			thousandths += (*text++ - '0') * digit;
	}
	unit = parse_unit(text);
	if (unit == 0)
		return "is not a time: the units are ms, s and m";
	whole = whole * unit + thousandths * unit / 1000;
	if (whole > OPTIONS_GRACE_MAX_MS)
		return "is longer than 23 days: say none for no limit";
	o->grace_ms = (int32_t)whole;
	return NULL;
}

static const char *parse_success(struct options *o, const char *text)
{
	int64_t code = text_number(&text, 255);

	if (code < 0 || *text)
		return "is not an exit code from 0 to 255";
	o->success[code / 64] |= UINT64_C(1) << code % 64;
	return NULL;
}

static const char *parse_report_fd(struct options *o, const char *text)
{
	int64_t fd = text_number(&text, INT32_MAX);

	if (fd < 3 || *text)
		return "is not a descriptor from 3 upwards";
	o->report_fd = (int32_t)fd;
	return NULL;
}

static const char *parse_signal_option(struct options *o, int action, const char *value)
{
	int sig;

	if (!parse_signal(value, action == REST_SIGNAL ? 0 : 1, &sig))
		return "is not a signal";
	if (action == STOP_SIGNAL)
		o->stop_signals |= signal_bit(sig);
	else if (action == REST_SIGNAL)
		o->rest_signal = (uint8_t)sig;
	else
		o->parent_death = (uint8_t)sig;
	return NULL;
}

/* Apply one option. Returns why its value is wrong, or NULL. */
static const char *apply(struct options *o, const struct option *option, const char *value)
{
	switch (option->action) {
	case FLAG:
		((uint8_t *)o)[option->field] = option->set;
		return NULL;
	case FORWARD:
		return parse_forward(o, value);
	case GROUP:
		set_scope(o, INIT_SCOPE_GROUP);
		return NULL;
	case SINGLE_CHILD:
		set_scope(o, INIT_SCOPE_MAIN);
		o->session = 0;
		return NULL;
	case GRACE:
		return parse_grace(o, value);
	case REWRITE:
		return parse_rewrite(o, value);
	case SUCCESS_CODE:
		return parse_success(o, value);
	case REPORT_FD:
		return parse_report_fd(o, value);
	case VERBOSE:
		o->verbosity += o->verbosity < 9;
		return NULL;
	default:
		return parse_signal_option(o, option->action, value);
	}
}

/* HELP, VERSION and LICENSE end the reading. */
static enum options_result asks_for(const struct option *option)
{
	switch (option->action) {
	case HELP:
		return OPTIONS_HELP;
	case VERSION:
		return OPTIONS_VERSION;
	case LICENSE:
		return OPTIONS_LICENSE;
	default:
		return OPTIONS_RUN;
	}
}

static const struct option *find_letter(int dialect, char letter)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i].letter == letter && table[i].dialects & dialect)
			return &table[i];
	return NULL;
}

/* Find "name" or "name=value"; *ret_value is behind the equal sign or NULL. */
static const struct option *find_long(const char *word, const char **ret_value)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		const char *rest = text_after(word, table[i].name);

		if (rest && (!*rest || *rest == '=')) {
			*ret_value = *rest ? rest + 1 : NULL;
			return &table[i];
		}
	}
	return NULL;
}

/* A position in argv: a word, and inside a word of letters the next letter. */
struct cursor {
	char **word;
	const char *letters;
};

/* The next option, or NULL with *ret_error set (wrong) or not (end of the options). */
static const struct option *next_option(struct cursor *at, int dialect, const char **ret_value,
					struct options_error *ret_error)
{
	const struct option *option;

	*ret_value = NULL;
	if (!at->letters || !*at->letters) {
		const char *word = *++at->word;

		if (!word || *word != '-' || !word[1])
			return NULL;
		at->letters = word + 1;
	}
	ret_error->option = *at->word;
	if ((*at->word)[1] == '-') {
		at->letters = NULL;
		if (!(*at->word)[2]) {
			ret_error->option = NULL;
			at->word++;
			return NULL;
		}
		option = find_long(*at->word + 2, ret_value);
	} else {
		option = find_letter(dialect, *at->letters++);
		/* "-e143": the rest of the word is the value. */
		if (option && option->value[0] && *at->letters) {
			*ret_value = at->letters;
			at->letters = NULL;
		}
	}
	ret_error->why = "is not known";
	return option;
}

static void set_defaults(struct options *o, char **argv)
{
	const char *name = argv[0] ? text_basename(argv[0]) : "";

	memset(o, 0, sizeof(*o));
	o->dialect = DIALECT_HULL;
	if (text_equal(name, "tini") || text_equal(name, "tini-static") ||
	    text_equal(name, "docker-init"))
		o->dialect = DIALECT_TINI;
	else if (text_equal(name, "dumb-init"))
		o->dialect = DIALECT_DUMB_INIT;
	memset(o->rewrite, REWRITE_UNSET, sizeof(o->rewrite));
	set_scope(o, o->dialect == DIALECT_HULL   ? OPTIONS_SCOPE_AUTO
		     : o->dialect == DIALECT_TINI ? INIT_SCOPE_MAIN
						  : INIT_SCOPE_GROUP);
	o->verbosity = 1;
	o->terminal = 1;
	o->session = o->dialect == DIALECT_DUMB_INIT;
	o->wait_all = WAIT_UNSET;
	o->rest_signal = SIGTERM;
	o->grace_ms = OPTIONS_GRACE_DEFAULT_MS;
	o->report_fd = -1;
	o->stop_signals = signal_bit(SIGTERM);
}

static void read_environment(struct options *o, char **envp)
{
	const char *value;

	if (o->dialect == DIALECT_TINI) {
		o->subreaper = text_env(envp, "TINI_SUBREAPER") != NULL;
		if (text_env(envp, "TINI_KILL_PROCESS_GROUP"))
			set_scope(o, INIT_SCOPE_GROUP);
		value = text_env(envp, "TINI_VERBOSITY");
		if (value)
			o->verbosity = *value >= '0' && *value <= '9' ? (uint8_t)(*value - '0') : 0;
	}
	if (o->dialect == DIALECT_DUMB_INIT) {
		value = text_env(envp, "DUMB_INIT_DEBUG");
		if (value && text_equal(value, "1"))
			o->verbosity = 2;
		value = text_env(envp, "DUMB_INIT_SETSID");
		if (value && text_equal(value, "0")) {
			set_scope(o, INIT_SCOPE_MAIN);
			o->session = 0;
		}
	}
}

/*
 * The kernel drops the default action of these three in an orphaned process group, and a session
 * of one's own is one (setpgid(2)). STOP does what they were meant to.
 */
static uint8_t usual_rewrite(const struct options *o, int sig)
{
	if (o->session && (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU))
		return SIGSTOP;
	return (uint8_t)sig;
}

/* What only shows once everything was read. */
static void settle(struct options *o)
{
	if (o->wait_all == WAIT_UNSET)
		o->wait_all = o->scope[SIGTERM] >= INIT_SCOPE_ALL;
	for (int sig = 0; sig <= SIGNALS_MAX; sig++)
		if (o->rewrite[sig] == REWRITE_UNSET)
			o->rewrite[sig] = usual_rewrite(o, sig);
}

enum options_result options_parse(struct options *ret_options, char **argv, char **envp,
				  struct options_error *ret_error)
{
	struct cursor at = {argv, NULL};
	const struct option *option;
	const char *value;

	memset(ret_error, 0, sizeof(*ret_error));
	set_defaults(ret_options, argv);
	read_environment(ret_options, envp);
	while (argv[0] && (option = next_option(&at, ret_options->dialect, &value, ret_error))) {
		enum options_result result = asks_for(option);

		if (result != OPTIONS_RUN)
			return result;
		if (option->value[0] && !value)
			value = *++at.word;
		ret_error->value = value;
		ret_error->why = option->value[0] ? (value ? NULL : "needs a value")
						  : (value ? "takes no value" : NULL);
		if (!ret_error->why)
			ret_error->why = apply(ret_options, option, value);
		if (ret_error->why)
			return OPTIONS_WRONG;
		ret_error->option = NULL;
		ret_error->value = NULL;
	}
	if (ret_error->option)
		return OPTIONS_WRONG;
	if (!argv[0] || !*at.word) {
		ret_error->why = "no command to run was given";
		return OPTIONS_WRONG;
	}
	settle(ret_options);
	ret_options->command = at.word;
	return OPTIONS_RUN;
}

enum init_scope options_scope(const struct options *options, int received, int sent)
{
	uint8_t scope = options->scope[received];

	if (scope != OPTIONS_SCOPE_AUTO)
		return scope;
	if (options_is_stop(options, received, sent))
		return INIT_SCOPE_ALL;
	switch (sent) {
	case SIGCONT:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return INIT_SCOPE_ALL;
	case SIGINT:
		return INIT_SCOPE_GROUP;
	default:
		return INIT_SCOPE_MAIN;
	}
}

bool options_is_stop(const struct options *options, int received, int sent)
{
	return options->stop_signals & (signal_bit(received) | signal_bit(sent));
}

static size_t print_padded(const char *text, size_t width)
{
	size_t length = text_length(text);

	text_print(1, text);
	return length < width ? width - length : 1;
}

static void print_option(const struct option *option, int dialect)
{
	char letter[] = "  -x, --";
	size_t gap;

	letter[3] = option->letter;
	text_print(1, option->letter && option->dialects & dialect ? letter : "      --");
	text_print(1, option->name);
	if (option->value[0])
		text_print(1, " ");
	gap = print_padded(option->value, 25 - text_length(option->name) - !!option->value[0]);
	while (gap-- > 0)
		text_print(1, " ");
	text_print(1, option->help);
	text_print(1, "\n");
}

void options_help(enum dialect dialect)
{
	text_print(
		1,
		"Usage: hull-init [OPTION]... [--] COMMAND [ARGUMENT]...\n"
		"Run COMMAND as the main process of a container: forward signals, reap\n"
		"orphans, end gracefully. Called tini or dumb-init, it takes their letters.\n\n");
	for (size_t i = 0; i < TABLE_SIZE; i++)
		print_option(&table[i], dialect);
}
