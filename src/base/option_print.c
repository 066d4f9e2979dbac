/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is printed from the tables of options besides help: see man(7) and groff_man_style(7) for
 * the macros. All text passes through roff_text, which protects what roff would read as a request.
 * The scripts of the shells know no command, so they never grow stale. Read option_print.h first.
 */
#include "base/option_print.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

bool option_is_shown(const struct option *o)
{
	return !(o->flags & OPTION_HIDDEN) && o->type != OPTION_REFUSED &&
	       o->type != OPTION_REFUSED_FLAG;
}

/* A '.' or "'" at the start of a line is a request; '\' and '-' have meanings of their own. */
void roff_text(FILE *out, const char *text)
{
	for (bool start = true; *text; start = *text == '\n', text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\'')
			fputs("\\(aq", out);
		else
			fputc(*text, out);
	}
}

static void put_option(FILE *out, const struct option *o)
{
	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", out);
	roff_text(out, o->name);
	fputs("\\fR", out);
	const char *arg = option_arg(o);
	if (*arg) {
		fputs(o->implied ? "[=\\fI" : " \\fI", out);
		roff_text(out, arg);
		fputs(o->implied ? "\\fR]" : "\\fR", out);
	}
	fputc('\n', out);
	roff_text(out, o->help);
	if (o->initial && *o->initial) {
		fputs(" (default ", out);
		roff_text(out, o->initial);
		fputc(')', out);
	}
	fputs(".\n", out);
}

static bool any_shown(const struct option_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (option_is_shown(&t->items[i]))
			return true;
	return false;
}

void roff_options(FILE *out, const char *heading, const struct option_table *tables, size_t count)
{
	bool titled = false;
	for (size_t t = 0; t < count; t++) {
		if (!titled && any_shown(&tables[t])) {
			fputs(heading, out);
			titled = true;
		}
		for (size_t i = 0; i < tables[t].count; i++)
			if (option_is_shown(&tables[t].items[i]))
				put_option(out, &tables[t].items[i]);
	}
}

/* \1 is the program, \2 the same as a name of functions. */
static const struct shell_script {
	const char *shell, *text;
} scripts[] = {
	{"bash", "# bash completion for \1; load it with: source <(\1 completion bash)\n"
		 "_\2() {\n"
		 "	local line=\"${COMP_LINE:0:COMP_POINT}\" current prefix\n"
		 "	local -a words\n"
		 "	read -ra words <<<\"$line\"\n"
		 "	[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
		 "	mapfile -t COMPREPLY < <(\"${words[0]}\" __complete -- \"${words[@]:1}\" "
		 "2>/dev/null)\n"
		 "	COMPREPLY=(\"${COMPREPLY[@]%%$'\\t'*}\")\n"
		 "	# bash replaces only what follows the last ':' or '='\n"
		 "	current=\"${words[${#words[@]}-1]}\"\n"
		 "	prefix=\"${current%\"${current##*[:=]}\"}\"\n"
		 "	[[ -n $prefix ]] && COMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
		 "	return 0\n"
		 "}\n"
		 "complete -o default -F _\2 \1\n"},
	{"zsh", "#compdef \1\n"
		"# zsh completion for \1; load it with: source <(\1 completion zsh)\n"
		"_\2() {\n"
		"	local -a lines values\n"
		"	local tab=$'\\t'\n"
		"	lines=(\"${(@f)$(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" "
		"2>/dev/null)}\")\n"
		"	values=(${${lines//:/\\\\:}/$tab/:})\n"
		"	if (( ${#values} )); then _describe \1 values; else _files; fi\n"
		"}\n"
		"compdef _\2 \1\n"},
	{"fish", "# fish completion for \1; load it with: \1 completion fish | source\n"
		 "function _\2\n"
		 "	set -l words (commandline -opc)\n"
		 "	set -l lines ($words[1] __complete -- $words[2..-1] (commandline -ct) "
		 "2>/dev/null)\n"
		 "	if set -q lines[1]\n"
		 "		printf '%s\\n' $lines\n"
		 "	else\n"
		 "		__fish_complete_path (commandline -ct)\n"
		 "	end\n"
		 "end\n"
		 "complete -c \1 -f -a '(_\2)'\n"},
};

static void put_script(const char *text, const char *program)
{
	for (; *text; text++) {
		if (*text > 2)
			putchar(*text);
		for (const char *p = program; *text <= 2 && *p; p++)
			putchar(*text == 2 && *p == '-' ? '_' : *p);
	}
}

int completion_script(const char *program, const char *shell, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		if (!strcmp(scripts[i].shell, shell)) {
			put_script(scripts[i].text, program);
			return 0;
		}
	return err_set(e, EINVAL, ERR_INVALID, "no completion for the shell %s: bash, zsh, or fish",
		       shell);
}

void completion_offer(const char *typed, const char *dashes, const char *name, const char *about)
{
	size_t len = strlen(dashes), typed_len = strlen(typed);
	if (strncmp(typed, dashes, typed_len < len ? typed_len : len) != 0)
		return;
	if (typed_len > len && strncmp(typed + len, name, typed_len - len) != 0)
		return;
	printf("%s%s\t%.*s\n", dashes, name, (int)strcspn(about, "\n"), about);
}

void completion_offer_options(const char *typed, const struct option_table *tables, size_t count)
{
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++)
			if (option_is_shown(&tables[t].items[i]))
				completion_offer(typed, "--", tables[t].items[i].name,
						 tables[t].items[i].help);
	completion_offer(typed, "--", "help", "Print usage");
}

bool completion_wants_value(const struct option_table *tables, size_t count, const char *word)
{
	if (word[0] != '-' || !word[1] || strchr(word, '='))
		return false;
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct option *o = &tables[t].items[i];
			bool named = word[1] == '-' ? !strcmp(o->name, word + 2)
						    : o->letter == word[strlen(word) - 1];
			if (named)
				return option_takes_value(o);
		}
	return false;
}
