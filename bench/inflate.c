/* SPDX-License-Identifier: Apache-2.0 */
/* gzip on stdin to what it holds on stdout, with ISA-L: the floor of bench/image_bench.py. */
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <unistd.h>

enum { CHUNK = 256 << 10 };

static int put(const uint8_t *data, size_t len)
{
	for (ssize_t n; len; data += n, len -= (size_t)n)
		if ((n = write(STDOUT_FILENO, data, len)) < 0)
			return -1;
	return 0;
}

int main(void)
{
	static uint8_t in[CHUNK], out[CHUNK];
	static struct inflate_state state;
	ssize_t n;
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	while ((n = read(STDIN_FILENO, in, sizeof(in))) > 0) {
		state.next_in = in;
		state.avail_in = (uint32_t)n;
		do {
			state.next_out = out;
			state.avail_out = sizeof(out);
			if (isal_inflate(&state) != ISAL_DECOMP_OK) {
				fputs("inflate: what came is no gzip\n", stderr);
				return 1;
			}
			if (put(out, sizeof(out) - state.avail_out) < 0) {
				perror("inflate");
				return 1;
			}
		} while (state.avail_in || !state.avail_out);
		if (state.block_state == ISAL_BLOCK_FINISH)
			return 0;
	}
	fputs("inflate: it ends too early\n", stderr);
	return 1;
}
