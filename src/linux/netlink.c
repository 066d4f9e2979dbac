/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One buffer, one sequence: message number n of a buffer has the sequence number n, and only the
 * last one asks for an acknowledgement; failures come unasked. So the answers of any number of
 * messages fit the socket's buffer, and the last acknowledgement ends them. See netlink(7).
 */
#include "linux/netlink.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "linux/namespaces.h"

enum { SEND_MAX = 8 << 20, ANSWER_MAX = 32768, BUFFER = 4 << 20 };

int netlink_open(struct netlink *nl, int protocol, int netns)
{
	int one = 1, fd = namespace_socket(netns, AF_NETLINK, SOCK_RAW, protocol);
	*nl = (struct netlink){.fd = fd, .buf = STRBUF_MAX(SEND_MAX)};
	if (fd < 0)
		return fd;
	/* What it is good for if it fails is only words. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

void netlink_close(struct netlink *nl)
{
	fd_drop(&nl->fd);
	strbuf_free(&nl->buf);
}

/* ---- putting together ---- */

static void add(struct netlink *nl, const void *data, size_t len)
{
	static const char zero[NLMSG_ALIGNTO];
	strbuf_add(&nl->buf, data, len);
	strbuf_add(&nl->buf, zero, NLMSG_ALIGN(len) - len);
}

/* Lengths stand in front of what they measure. */
static void measure(struct netlink *nl)
{
	uint32_t len = (uint32_t)(nl->buf.len - nl->head);
	if (strbuf_ok(&nl->buf))
		memcpy(nl->buf.buf + nl->head, &len, sizeof(len));
}

void netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	if (nl->buf.len == 0) {
		nl->seq = 0;
		nl->batch = type == NFNL_MSG_BATCH_BEGIN;
	}
	struct nlmsghdr h = {
		.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++nl->seq};
	nl->head = nl->buf.len;
	add(nl, &h, sizeof(h));
	add(nl, head, size);
	measure(nl);
}

void netlink_put(struct netlink *nl, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type};
	if (len > UINT16_MAX - NLA_HDRLEN)
		nl->buf.failed = true;
	add(nl, &a, sizeof(a));
	add(nl, data, len);
	measure(nl);
}

void netlink_put_u32(struct netlink *nl, uint16_t type, uint32_t value)
{
	netlink_put(nl, type, &value, sizeof(value));
}

void netlink_put_be32(struct netlink *nl, uint16_t type, uint32_t value)
{
	netlink_put_u32(nl, type, __builtin_bswap32(value));
}

void netlink_put_text(struct netlink *nl, uint16_t type, const char *text)
{
	netlink_put(nl, type, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink *nl, uint16_t type)
{
	size_t at = nl->buf.len;
	netlink_put(nl, NLA_F_NESTED | type, NULL, 0);
	return at;
}

size_t netlink_nest_with(struct netlink *nl, uint16_t type, const void *head, size_t size)
{
	size_t at = netlink_nest(nl, type);
	add(nl, head, size);
	measure(nl);
	return at;
}

void netlink_nest_end(struct netlink *nl, size_t at)
{
	size_t len = nl->buf.len - at;
	uint16_t written = (uint16_t)len;
	if (len > UINT16_MAX)
		nl->buf.failed = true;
	else if (strbuf_ok(&nl->buf))
		memcpy(nl->buf.buf + at, &written, sizeof(written));
}

/* ---- sending and hearing ---- */

/* The last message of an nfnetlink batch is no message of its own: the one before it answers. */
static uint32_t ask_for_end(struct netlink *nl)
{
	struct nlmsghdr *last = NULL, *before = NULL;
	for (size_t at = 0; at < nl->buf.len;) {
		before = last;
		last = (void *)(nl->buf.buf + at);
		at += NLMSG_ALIGN(last->nlmsg_len);
	}
	if (last->nlmsg_type == NFNL_MSG_BATCH_END && before)
		last = before;
	last->nlmsg_flags |= NLM_F_ACK;
	return last->nlmsg_seq;
}

static int send_all(struct netlink *nl)
{
	const int size = BUFFER;
	bool ok = strbuf_ok(&nl->buf);
	ssize_t n = -1;
	if (ok && nl->buf.len > BUFFER / 64)
		setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (ok)
		n = TEMP_FAILURE_RETRY(send(nl->fd, nl->buf.buf, nl->buf.len, 0));
	int r = !ok ? -EMSGSIZE : n < 0 ? -errno : 0;
	nl->buf.len = 0;
	nl->buf.failed = false;
	return r;
}

/* Header and error of what failed stand before the attributes (NETLINK_CAP_ACK). */
static void hear_why(struct netlink *nl, const struct nlmsghdr *m)
{
	const struct nlattr *a =
		m->nlmsg_flags & NLM_F_ACK_TLVS
			? netlink_attribute(m, sizeof(struct nlmsgerr), NLMSGERR_ATTR_MSG)
			: NULL;
	const char *text = a ? netlink_text(a) : NULL;
	snprintf(nl->why, sizeof(nl->why), "%s", text ? text : "");
}

struct hearing {
	struct netlink *nl;
	netlink_fn each; /* NULL: acknowledgements are what is waited for */
	void *ctx;
	uint32_t end; /* the sequence number that ends it */
	bool ended;
	int r; /* the first failure */
};

static void hear_error(struct hearing *h, const struct nlmsghdr *m)
{
	int error = m->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
			    ? -EBADMSG
			    : ((struct nlmsgerr *)NLMSG_DATA(m))->error;
	if (error && h->r == 0) {
		h->r = error;
		h->nl->failed_seq = m->nlmsg_seq;
		hear_why(h->nl, m);
	}
	/* A batch that could not be committed fails with its beginning, and nothing else comes. */
	h->ended |= m->nlmsg_seq == h->end || (error && h->nl->batch && m->nlmsg_seq == 1);
}

static void hear_one(struct hearing *h, const struct nlmsghdr *m)
{
	if (m->nlmsg_type == NLMSG_ERROR) {
		hear_error(h, m);
	} else if (m->nlmsg_type == NLMSG_DONE) {
		h->ended = true;
	} else if (h->each && m->nlmsg_type >= NLMSG_MIN_TYPE) {
		int r = h->each(h->ctx, m);
		if (r < 0 && h->r == 0)
			h->r = r;
	}
}

static int hear_some(struct hearing *h, int flags)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_MAX];
	ssize_t n = TEMP_FAILURE_RETRY(recv(h->nl->fd, buf, sizeof(buf), MSG_TRUNC | flags));
	if (n < 0 || (size_t)n > sizeof(buf))
		return n < 0 ? -errno : -EMSGSIZE;
	unsigned left = (unsigned)n;
	for (struct nlmsghdr *m = (struct nlmsghdr *)buf; NLMSG_OK(m, left);
	     m = NLMSG_NEXT(m, left))
		hear_one(h, m);
	return 0;
}

static int hear(struct hearing *h)
{
	while (!h->ended) {
		int r = hear_some(h, 0);
		if (r < 0)
			return r;
	}
	return h->r;
}

int netlink_events(struct netlink *nl, netlink_fn each, void *ctx)
{
	struct hearing h = {.nl = nl, .each = each, .ctx = ctx};
	int r = 0;
	while (r == 0)
		r = hear_some(&h, MSG_DONTWAIT);
	return r == -EAGAIN ? h.r : r;
}

int netlink_send(struct netlink *nl)
{
	nl->why[0] = '\0';
	nl->failed_seq = 0;
	if (nl->buf.len == 0)
		return 0;
	struct hearing h = {.nl = nl};
	if (strbuf_ok(&nl->buf))
		h.end = ask_for_end(nl);
	int r = send_all(nl);
	return r < 0 ? r : hear(&h);
}

int netlink_ask(struct netlink *nl, netlink_fn each, void *ctx)
{
	nl->why[0] = '\0';
	struct hearing h = {.nl = nl, .each = each, .ctx = ctx, .end = nl->seq};
	/* A dump ends by itself; a single object is followed by its acknowledgement. */
	struct nlmsghdr *m = (void *)(nl->buf.buf + nl->head);
	if (!(m->nlmsg_flags & NLM_F_ROOT))
		m->nlmsg_flags |= NLM_F_ACK;
	int r = send_all(nl);
	return r < 0 ? r : hear(&h);
}

int netlink_problem(const struct netlink *nl, int number, struct err *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!nl->why[0])
		return err_errno(e, number, "%s", text);
	return err_errno(e, number, "%s (%s)", text, nl->why);
}

/* ---- taking apart ---- */

static const struct nlattr *find(const char *from, size_t len, uint16_t type)
{
	while (len >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)from;
		if (a->nla_len < NLA_HDRLEN || a->nla_len > len)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		size_t step = NLA_ALIGN(a->nla_len);
		if (step > len)
			return NULL;
		from += step;
		len -= step;
	}
	return NULL;
}

const struct nlattr *netlink_attribute(const struct nlmsghdr *m, size_t head, uint16_t type)
{
	size_t skip = NLMSG_SPACE(head);
	return m->nlmsg_len < skip ? NULL : find((const char *)m + skip, m->nlmsg_len - skip, type);
}

const struct nlattr *netlink_inner(const struct nlattr *outer, uint16_t type)
{
	return outer ? find((const char *)outer + NLA_HDRLEN, outer->nla_len - NLA_HDRLEN, type)
		     : NULL;
}

const void *netlink_data(const struct nlattr *a, size_t len)
{
	return a && a->nla_len - NLA_HDRLEN >= (int)len ? (const char *)a + NLA_HDRLEN : NULL;
}

const char *netlink_text(const struct nlattr *a)
{
	const char *text = netlink_data(a, 1);
	return text && memchr(text, 0, a->nla_len - NLA_HDRLEN) ? text : NULL;
}
