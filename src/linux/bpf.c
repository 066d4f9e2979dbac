/* SPDX-License-Identifier: Apache-2.0 */
/* See bpf.h. */
#include "linux/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

void bpf_emit(struct bpf_assembler *a, int op, int dst, int src, int off, int32_t imm)
{
	a->code[a->count++] = (struct bpf_insn){.code = (uint8_t)op,
						.dst_reg = (uint8_t)dst & 15,
						.src_reg = (uint8_t)src & 15,
						.off = (int16_t)off,
						.imm = imm};
}

int bpf_call(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int bpf_load(const struct bpf_assembler *a, enum bpf_prog_type type, const char *name)
{
	union bpf_attr load = {
		.prog_type = type,
		.insns = (uint64_t)(uintptr_t)a->code,
		.insn_cnt = (uint32_t)a->count,
		.license = (uint64_t)(uintptr_t) "Apache-2.0",
	};
	snprintf(load.prog_name, sizeof(load.prog_name), "%s", name);
	int fd = bpf_call(BPF_PROG_LOAD, &load);
	return fd < 0 ? -errno : fd;
}

int bpf_map(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t entries,
	    const char *name)
{
	union bpf_attr map = {.map_type = type,
			      .key_size = key_size,
			      .value_size = value_size,
			      .max_entries = entries};
	snprintf(map.map_name, sizeof(map.map_name), "%s", name);
	int fd = bpf_call(BPF_MAP_CREATE, &map);
	return fd < 0 ? -errno : fd;
}
