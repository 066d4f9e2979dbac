/* SPDX-License-Identifier: Apache-2.0 */
/* The log's driver table, and cutting the container's bytes into records. Read log.h first. */
#include "monitor/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

static size_t none_put(struct log *l, const struct log_piece *p, uint8_t *out)
{
	return 0;
}

static int none_write(struct log *l, const uint8_t *batch, size_t len)
{
	return 0;
}

const struct log_ops log_none_ops = {NULL, 0, none_put, none_write};

static const struct log_ops *const drivers[] = {
	[LOG_JSON_FILE] = &log_json_ops,    [LOG_LOCAL] = &log_local_ops,
	[LOG_JOURNALD] = &log_journald_ops, [LOG_NONE] = &log_none_ops,
	[LOG_SYSLOG] = &log_syslog_ops,
};

void log_open(struct log *l, const struct monitor_config *c)
{
	*l = (struct log){
		.ops = c->log_driver < sizeof(drivers) / sizeof(drivers[0]) ? drivers[c->log_driver]
									    : &log_none_ops,
		.dir_fd = -1,
		.fd = -1,
		.socket = -1,
		.max_file = c->log_max_file < 1 ? 1 : c->log_max_file,
		.max_size = c->log_max_size,
		.compress = c->log_compress,
		.second = -1,
		.syslog = c->syslog,
	};
	if (l->max_file > LOG_FILES_MAX)
		l->max_file = LOG_FILES_MAX;
	memcpy(l->id, c->id, sizeof(l->id));
	memcpy(l->container_name, c->name, sizeof(l->container_name));
	memcpy(l->tag, c->log_tag, sizeof(l->tag));
	memcpy(l->attrs, c->log_attrs, sizeof(l->attrs));
	if (!l->ops->suffix)
		return;
	strcpy(l->name, l->id);
	strcat(l->name, l->ops->suffix);
	for (int i = 0; i < LOG_TRIES && l->dir_fd < 0; i++)
		l->dir_fd = open(c->log_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	logfile_open(l, false); /* made when there is something to write */
}

/* The largest cut below @max that does not split a valid UTF-8 character. */
static size_t cut_between_characters(const uint8_t *text, size_t max)
{
	for (size_t back = 1; back <= 3; back++) {
		uint8_t c = text[max - back];
		size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
		if (need)
			return need > back ? max - back : max;
		if (c < 0x80)
			break;
	}
	return max;
}

size_t log_cut(const uint8_t *text, size_t len, bool final)
{
	size_t window = len < LOG_PIECE_MAX ? len : LOG_PIECE_MAX;
	const uint8_t *end = window ? memchr(text, '\n', window) : NULL;
	if (end)
		return (size_t)(end - text) + 1;
	if (len >= LOG_PIECE_MAX)
		return cut_between_characters(text, LOG_PIECE_MAX);
	return final ? len : 0;
}

static bool file_is_full(const struct log *l, size_t batch_len)
{
	return l->ops->suffix && l->max_size && l->size + batch_len >= l->max_size;
}

size_t log_encode(struct log *l, uint8_t stream, const uint8_t *text, size_t len, bool final,
		  uint8_t *batch, size_t *ret_len)
{
	struct log_piece p = {.stream = stream, .time_ns = clock_real_ns()};
	size_t used = 0, out = 0;
	while ((p.len = log_cut(text + used, len - used, final)) > 0) {
		if (out + l->ops->growth * p.len + LOG_RECORD_EXTRA > LOG_BATCH_MAX)
			break;
		if (out && file_is_full(l, out))
			break;
		p.text = text + used;
		out += l->ops->put(l, &p, batch + out);
		used += p.len;
	}
	*ret_len = out;
	return used;
}

void log_write(struct log *l, const uint8_t *batch, size_t len, size_t raw)
{
	if (l->ops->write(l, batch, len) < 0)
		l->dropped += raw;
}

void log_prepare(struct log *l)
{
	for (int i = 0; i < LOG_TRIES && l->ops->suffix && l->fd < 0; i++)
		logfile_open(l, true);
	if (l->size && file_is_full(l, 0))
		logfile_rotate(l);
}

uint64_t log_inode(const struct log *l)
{
	struct stat st;
	return l->fd >= 0 && fstat(l->fd, &st) == 0 ? st.st_ino : 0;
}
