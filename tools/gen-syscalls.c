/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the table of system calls, as C, for src/sec/bpf.c: names, sorted, with their number in
 * every calling convention of enum scmp_abi. Runs while holm is built and asks libseccomp, so that
 * holm itself need not carry libseccomp.
 *
 *	gen-syscalls > syscalls.inc
 *
 * A number takes 16 bits: x32 numbers are stored without their mark (bit 30), and the private calls
 * of 32-bit ARM (0xf0001 and up) as PRIVATE_BASE + n.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define X32_BIT       0x40000000
#define ARM_PRIVATE   0xf0000
#define PRIVATE_BASE  0x4000
#define NUMBER_MAX    1024
#define NAMES_MAX     1024
#define NONE          (-1)

/* In the order of enum scmp_abi. */
static const uint32_t arches[] = {
	SCMP_ARCH_X86_64,  SCMP_ARCH_X86, SCMP_ARCH_X32,
	SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, SCMP_ARCH_RISCV64,
};

enum { X86_64, X86, X32, AARCH64, ARM, RISCV64, N_ARCHES };

/* What libseccomp 2.5.4 does not know yet: the same number everywhere since 5.1. */
static const struct {
	const char *name;
	int number;
} common[] = {
	{ "set_mempolicy_home_node", 450 },
	{ "cachestat", 451 },
	{ "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },
	{ "futex_wake", 454 },
	{ "futex_wait", 455 },
	{ "futex_requeue", 456 },
	{ "statmount", 457 },
	{ "listmount", 458 },
	{ "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 },
	{ "lsm_list_modules", 461 },
	{ "mseal", 462 },
	{ "setxattrat", 463 },
	{ "getxattrat", 464 },
	{ "listxattrat", 465 },
	{ "removexattrat", 466 },
	{ "open_tree_attr", 467 },
	{ "file_getattr", 468 },
	{ "file_setattr", 469 },
	{ "listns", 470 },
	{ "rseq_slice_yield", 471 },
};

/* And those that one architecture has alone. */
static const struct {
	const char *name;
	int arch, number;
} alone[] = {
	{ "uretprobe", X86_64, 335 },
	{ "uprobe", X86_64, 336 },
	{ "riscv_hwprobe", RISCV64, 258 },
	{ "riscv_flush_icache", RISCV64, 259 },
};

/*
 * 32-bit x86 has two ways to a socket or an IPC call: its own number, and a number inside
 * socketcall(2) or ipc(2). The second is what this table says: 1-99 for socketcall, 100 more for
 * ipc.
 */
static const struct {
	const char *name;
	int call;
} inside[] = {
	{ "socket", 1 },    { "bind", 2 },        { "connect", 3 },     { "listen", 4 },
	{ "accept", 5 },    { "getsockname", 6 }, { "getpeername", 7 }, { "socketpair", 8 },
	{ "send", 9 },      { "recv", 10 },       { "sendto", 11 },     { "recvfrom", 12 },
	{ "shutdown", 13 }, { "setsockopt", 14 }, { "getsockopt", 15 }, { "sendmsg", 16 },
	{ "recvmsg", 17 },  { "accept4", 18 },    { "recvmmsg", 19 },   { "sendmmsg", 20 },
	{ "semop", 101 },   { "semget", 102 },    { "semctl", 103 },    { "semtimedop", 104 },
	{ "msgsnd", 111 },  { "msgrcv", 112 },    { "msgget", 113 },    { "msgctl", 114 },
	{ "shmat", 121 },   { "shmdt", 122 },     { "shmget", 123 },    { "shmctl", 124 },
};

/* Their own numbers on 32-bit x86, since Linux 4.3 and 5.1: libseccomp gives pseudo numbers. */
static const struct {
	const char *name;
	int number;
} direct[] = {
	{ "socket", 359 },      { "socketpair", 360 }, { "bind", 361 },
	{ "connect", 362 },     { "listen", 363 },     { "accept4", 364 },
	{ "getsockopt", 365 },  { "setsockopt", 366 }, { "getsockname", 367 },
	{ "getpeername", 368 }, { "sendto", 369 },     { "sendmsg", 370 },
	{ "recvfrom", 371 },    { "recvmsg", 372 },    { "shutdown", 373 },
	{ "recvmmsg", 337 },    { "sendmmsg", 345 },   { "semget", 393 },
	{ "semctl", 394 },      { "shmget", 395 },     { "shmctl", 396 },
	{ "shmat", 397 },       { "shmdt", 398 },      { "msgget", 399 },
	{ "msgsnd", 400 },      { "msgrcv", 401 },     { "msgctl", 402 },
};

struct entry {
	char *name;
	int numbers[N_ARCHES];
	int inside;
};

static struct entry table[NAMES_MAX];
static size_t n_table;

static struct entry *find(const char *name)
{
	for (size_t i = 0; i < n_table; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* The entry for `name`, new if need be. Ends the program when it cannot. */
static struct entry *intern(const char *name)
{
	struct entry *e = find(name);

	if (e)
		return e;
	if (n_table == NAMES_MAX) {
		fprintf(stderr, "gen-syscalls: more than %d names\n", NAMES_MAX);
		exit(1);
	}
	e = &table[n_table];
	e->name = strdup(name);
	if (!e->name) {
		fprintf(stderr, "gen-syscalls: out of memory\n");
		exit(1);
	}
	n_table++;
	for (int i = 0; i < N_ARCHES; i++)
		e->numbers[i] = NONE;
	return e;
}

/* The number as the table stores it; NONE if `arch` has no such call. */
static int number_of(int arch, const char *name)
{
	int n = seccomp_syscall_resolve_name_arch(arches[arch], name);

	if (n < 0)
		return NONE;
	if (arch == X32 && (n & X32_BIT))
		return n & ~X32_BIT;
	if (arch == ARM && n >= ARM_PRIVATE)
		return PRIVATE_BASE + (n - ARM_PRIVATE);
	return n;
}

static void collect(int arch, int number)
{
	char *name = seccomp_syscall_resolve_num_arch(arches[arch], number);

	if (name)
		intern(name);
	free(name);
}

static void collect_all(void)
{
	for (int i = 0; i < NUMBER_MAX; i++) {
		for (int arch = 0; arch < N_ARCHES; arch++)
			collect(arch, arch == X32 ? i | X32_BIT : i);
		if (i < 16)
			collect(ARM, ARM_PRIVATE + i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
		intern(inside[i].name);
	for (size_t i = 0; i < n_table; i++)
		for (int arch = 0; arch < N_ARCHES; arch++)
			table[i].numbers[arch] = number_of(arch, table[i].name);
}

/* A newer libseccomp knows some of these already; its word counts then. */
static void complete(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
		struct entry *e = intern(common[i].name);

		for (int arch = 0; arch < N_ARCHES; arch++)
			if (e->numbers[arch] == NONE)
				e->numbers[arch] = common[i].number;
	}
	for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
		intern(alone[i].name)->numbers[alone[i].arch] = alone[i].number;
	for (size_t i = 0; i < ARRAY_SIZE(direct); i++)
		intern(direct[i].name)->numbers[X86] = direct[i].number;
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
		intern(inside[i].name)->inside = inside[i].call;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void print_names(void)
{
	printf("static const char syscall_names[] =\n");
	for (size_t i = 0; i < n_table; i++)
		printf("\t\"%s\\0\"\n", table[i].name);
	printf("\t;\n\n");
}

static void print_table(void)
{
	size_t at = 0;

	printf("static const struct syscall_entry {\n"
	       "\tuint16_t name_at;\n"
	       "\tint16_t numbers[%d];\n"
	       "\tuint16_t inside;\n"
	       "} syscall_table[] = {\n",
	       N_ARCHES);
	for (size_t i = 0; i < n_table; i++) {
		const struct entry *e = &table[i];

		printf("\t{ %zu, { ", at);
		for (int arch = 0; arch < N_ARCHES; arch++)
			printf("%d%s", e->numbers[arch], arch + 1 < N_ARCHES ? ", " : "");
		printf(" }, %d }, /* %s */\n", e->inside, e->name);
		at += strlen(e->name) + 1;
	}
	printf("};\n\n");
}

static int highest_of(int arch)
{
	int highest = 0;

	for (size_t i = 0; i < n_table; i++)
		if (table[i].numbers[arch] > highest && table[i].numbers[arch] < PRIVATE_BASE)
			highest = table[i].numbers[arch];
	return highest;
}

static void print_limits(void)
{
	int top = 0;

	printf("static const uint16_t syscall_highest[%d] = { ", N_ARCHES);
	for (int arch = 0; arch < N_ARCHES; arch++) {
		int highest = highest_of(arch);

		printf("%d%s", highest, arch + 1 < N_ARCHES ? ", " : "");
		top = highest > top ? highest : top;
	}
	printf(" };\n\n");
	printf("#define SYSCALL_COUNT %zu\n", n_table);
	printf("#define SYSCALL_TOP %d /* the highest number anywhere */\n", top);
	printf("#define SYSCALL_PRIVATE_BASE %#x\n", PRIVATE_BASE);
}

int main(void)
{
	_Static_assert(ARRAY_SIZE(arches) == N_ARCHES, "one arch for every abi");

	collect_all();
	complete();
	qsort(table, n_table, sizeof(table[0]), by_name);
	printf("/* Generated by tools/gen-syscalls.c. */\n\n");
	print_names();
	print_table();
	print_limits();
	for (size_t i = 0; i < n_table; i++)
		free(table[i].name);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
