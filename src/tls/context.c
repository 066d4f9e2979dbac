/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients must show, and what is shown to them: SSL_CTX_new(3ssl). TLS 1.2 with forward
 * secrecy, or 1.3; a certificate of the given authority and no other, made for clients; nothing is
 * resumed, since each connection has a process of its own. Read tls.h first.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "tls/tls.h"

enum { FILE_MAX = 1 << 20 };

const char *last_reason(void)
{
	unsigned long code = ERR_peek_last_error();
	return code ? ERR_reason_error_string(code) ?: "unknown" : "the connection was closed";
}

static int failed(struct err *e, const char *option, const char *what)
{
	return err_set(e, EINVAL, ERR_INVALID, "%s: %s (%s)", option, what, last_reason());
}

static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	return -1;
}

/* The file is open, and no other can be opened any more. Nor this one again. */
static int read_pem(int fd, const char *option, BIO **ret, struct err *e)
{
	static char text[FILE_MAX];
	ssize_t n = fd_read_full(fd, text, sizeof(text));
	close(fd);
	if (n < 0)
		return err_errno(e, (int)n, "%s: cannot be read", option);
	if (n == sizeof(text))
		return err_set(e, EFBIG, ERR_INVALID, "%s: has more than %d bytes", option,
			       FILE_MAX - 1);
	BIO *copy = BIO_new(BIO_s_secmem());
	bool done = copy && BIO_write(copy, text, (int)n) == (int)n;
	explicit_bzero(text, (size_t)n);
	*ret = copy;
	return done || !n ? 0 : err_set(e, ENOMEM, ERR_SYSTEM, "%s: no memory for it", option);
}

/* Reading ended behind @count. What is broken must not end it: what stands behind that would be
 * missing, and nobody know it. */
static int check_end(const char *option, const char *what, size_t count, struct err *e)
{
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(e, EINVAL, ERR_INVALID, "%s: its %s %zu is broken (%s)", option,
			       what, count + 1, last_reason());
	return count ? 0
		     : err_set(e, EINVAL, ERR_INVALID, "%s: no %s is in it (%s)", option, what,
			       last_reason());
}

/* @use each certificate of the file. */
static int take_certificates(SSL_CTX *ctx, int fd, const char *option,
			     bool (*use)(SSL_CTX *ctx, X509 *c, size_t i), struct err *e)
{
	BIO *pem;
	size_t count = 0;
	int r = read_pem(fd, option, &pem, e);
	if (r < 0)
		return r;
	ERR_clear_error();
	for (X509 *c; (c = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)); count++)
		if (!use(ctx, c, count))
			return failed(e, option, "a certificate that cannot be used");
	BIO_free(pem);
	return check_end(option, "certificate", count, e);
}

static bool use_authority(SSL_CTX *ctx, X509 *c, size_t i)
{
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), c) == 1 &&
	       SSL_CTX_add_client_CA(ctx, c) == 1;
}

/* The first is ours, the others lead to its root. */
static bool use_chain(SSL_CTX *ctx, X509 *c, size_t i)
{
	return (i ? SSL_CTX_add0_chain_cert(ctx, c) : SSL_CTX_use_certificate(ctx, c)) == 1;
}

static int take_key(SSL_CTX *ctx, struct err *e)
{
	static const char option[] = "--tlskey";
	BIO *pem;
	int r = read_pem(TLS_FD_KEY, option, &pem, e);
	if (r < 0)
		return r;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
	BIO_free(pem);
	if (!key)
		return failed(e, option, "no key is in it that has no passphrase");
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return failed(e, option, "it does not belong to the certificate of --tlscert");
	EVP_PKEY_free(key);
	return 0;
}

/* What is found wrong with a client's certificate, into the connection's app data. */
static int note_fault(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *c = X509_STORE_CTX_get_current_cert(store);
	char *fault = SSL_get_app_data(ssl), subject[TLS_FAULT_MAX / 2] = "no subject";
	if (good || !fault)
		return good;
	if (c) /* what cannot be printed is escaped */
		X509_NAME_oneline(X509_get_subject_name(c), subject, sizeof(subject));
	snprintf(fault, TLS_FAULT_MAX, "%s, in the certificate of %s, %d above the client's",
		 X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)), subject,
		 X509_STORE_CTX_get_error_depth(store));
	return good;
}

/* Every certificate on the way to the authority is looked for, in a list of who signed it that is
 * not out of date: where there is none, nobody comes in. */
static int take_revoked(SSL_CTX *ctx, struct err *e)
{
	static const char option[] = "--tlscrl";
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *pem;
	size_t count = 0;
	if (!fd_is_open(TLS_FD_CRL))
		return 0;
	int r = read_pem(TLS_FD_CRL, option, &pem, e);
	ERR_clear_error();
	for (X509_CRL *c; r == 0 && (c = PEM_read_bio_X509_CRL(pem, NULL, no_passphrase, NULL));
	     count++)
		if (X509_STORE_add_crl(store, c) != 1)
			r = failed(e, option, "a list that cannot be used");
	if (r == 0)
		r = check_end(option, "revocation list", count, e);
	if (r == 0 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
		r = failed(e, option, "OpenSSL does not look at it");
	return r;
}

int context_make(SSL_CTX **ret, struct err *e)
{
	/* No openssl.cnf: what counts is what stands here. */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		return failed(e, "hull-tls", "OpenSSL does not start");
	SSL_CTX_set_options(ctx,
			    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, note_fault);
	/* An authority need not be its own root, as in Go's crypto/x509. */
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	int r = take_certificates(ctx, TLS_FD_CA, "--tlscacert", use_authority, e);
	if (r == 0)
		r = take_certificates(ctx, TLS_FD_CERT, "--tlscert", use_chain, e);
	if (r == 0)
		r = take_key(ctx, e);
	if (r == 0)
		r = take_revoked(ctx, e);
	*ret = ctx;
	return r;
}
