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

/** A program that is left by one end. bpf_begin() sets it up. */
enum { BPF_CODE_MAX = 128, BPF_EXITS_MAX = 24 };
struct bpf_program {
	struct bpf_insn code[BPF_CODE_MAX];
	struct bpf_assembler a;
	size_t exits[BPF_EXITS_MAX], exit_count; /* jumps to the end */
};

void bpf_begin(struct bpf_program *p);
void bpf_move(struct bpf_program *p, int dst, int src);
void bpf_set(struct bpf_program *p, int dst, int32_t value);
/** 64 bits at @offset from what @src points to. */
void bpf_read(struct bpf_program *p, int dst, int src, int offset);
/** Call BPF_FUNC_...: its arguments are in R1 to R5, its result is in R0. */
void bpf_helper(struct bpf_program *p, int helper);
/** @condition: BPF_JEQ and the like, BPF_JA: in any case. */
void bpf_exit_if(struct bpf_program *p, int condition, int dst, int32_t value);
void bpf_map_into(struct bpf_program *p, int dst, int map);
/** @dst: the address of what lies @below the frame's end. */
void bpf_address(struct bpf_program *p, int dst, int below);
/** The end, with the result @value; as bpf_load(). */
int bpf_finish(struct bpf_program *p, int32_t value, enum bpf_prog_type type, const char *name);

void bpf_emit(struct bpf_assembler *a, int op, int dst, int src, int off, int32_t imm);
int bpf_call(int command, union bpf_attr *attr);
/** A descriptor of the program, or -errno. @name: at most 15 characters, for who lists them. */
int bpf_load(const struct bpf_assembler *a, enum bpf_prog_type type, const char *name);
/** A descriptor of a map, or -errno. @entries: how many it has (arrays), or may have. */
int bpf_map(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t entries,
	    const char *name);
