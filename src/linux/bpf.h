/* SPDX-License-Identifier: Apache-2.0 */
/* Small programs for the kernel, put together instruction by instruction. See bpf(2) and
 * Documentation/bpf/standardization/instruction-set.rst. */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/** Registers, as the kernel numbers them: result, arguments and scratch, kept ones, the stack. */
enum { BPF_R0, BPF_R1, BPF_R2, BPF_R3, BPF_R4, BPF_R5, BPF_R6, BPF_R7, BPF_R8, BPF_R9, BPF_FP };

struct bpf_assembler {
	struct bpf_insn *code; /* room for all that is emitted is the caller's business */
	size_t count;
};

void bpf_emit(struct bpf_assembler *a, int op, int dst, int src, int off, int32_t imm);
int bpf_call(int command, union bpf_attr *attr);
/** A descriptor of the program, or -errno. @name: at most 15 characters, for who lists them. */
int bpf_load(const struct bpf_assembler *a, enum bpf_prog_type type, const char *name);
/** A descriptor of a map, or -errno. @entries: how many it has (arrays), or may have. */
int bpf_map(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t entries,
	    const char *name);
