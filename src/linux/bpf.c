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

void bpf_begin(struct bpf_program *p)
{
	*p = (struct bpf_program){0};
	p->a.code = p->code;
}

void bpf_move(struct bpf_program *p, int dst, int src)
{
	bpf_emit(&p->a, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void bpf_set(struct bpf_program *p, int dst, int32_t value)
{
	bpf_emit(&p->a, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

void bpf_read(struct bpf_program *p, int dst, int src, int offset)
{
	bpf_emit(&p->a, BPF_LDX | BPF_DW | BPF_MEM, dst, src, offset, 0);
}

void bpf_helper(struct bpf_program *p, int helper)
{
	bpf_emit(&p->a, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void bpf_exit_if(struct bpf_program *p, int condition, int dst, int32_t value)
{
	p->exits[p->exit_count++] = p->a.count;
	bpf_emit(&p->a, BPF_JMP | condition | BPF_K, dst, 0, 0, value);
}

void bpf_map_into(struct bpf_program *p, int dst, int map)
{
	bpf_emit(&p->a, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, map);
	bpf_emit(&p->a, 0, 0, 0, 0, 0);
}

void bpf_address(struct bpf_program *p, int dst, int below)
{
	bpf_move(p, dst, BPF_FP);
	bpf_emit(&p->a, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, -below);
}

int bpf_finish(struct bpf_program *p, int32_t value, enum bpf_prog_type type, const char *name)
{
	for (size_t i = 0; i < p->exit_count; i++)
		p->code[p->exits[i]].off = (int16_t)(p->a.count - p->exits[i] - 1);
	bpf_set(p, BPF_R0, value);
	bpf_emit(&p->a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return bpf_load(&p->a, type, name);
}
