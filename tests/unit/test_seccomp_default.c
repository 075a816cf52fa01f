/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter of a box: every decision that docs/design/0003-seccomp-default.md promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first. */
#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"
#include "scmp_judge.h"
#include "sec/bpf.h"
#include "sec/seccomp.h"
#include "syscalls.inc"

#define X32_BIT 0x40000000U
#define DEFAULT "data/seccomp-default.json"

#define ALLOW SECCOMP_RET_ALLOW
#define NO(e) (SECCOMP_RET_ERRNO | (e))
#define HIGH  0xabcd00000000ULL /* garbage above an int, which the kernel cuts off */

static const struct {
	const char *name;
	uint64_t args[3];
	uint32_t expected;
} decisions[] = {
	{ "read", { 0 }, ALLOW },
	{ "write", { 0 }, ALLOW },
	{ "futex", { 0 }, ALLOW },
	{ "execve", { 0 }, ALLOW },
	{ "execveat", { 0 }, ALLOW },
	{ "rseq", { 0 }, ALLOW },
	{ "membarrier", { 0 }, ALLOW },
	{ "landlock_restrict_self", { 0 }, ALLOW },
	{ "seccomp", { 0 }, ALLOW },
	{ "memfd_create", { 0 }, ALLOW },
	{ "close_range", { 0 }, ALLOW },
	{ "openat2", { 0 }, ALLOW },
	{ "epoll_pwait2", { 0 }, ALLOW },
	{ "mseal", { 0 }, ALLOW },
	{ "cachestat", { 0 }, ALLOW },
	{ "pidfd_send_signal", { 0 }, ALLOW },
	{ "init_module", { 0 }, NO(EPERM) },
	{ "finit_module", { 0 }, NO(EPERM) },
	{ "delete_module", { 0 }, NO(EPERM) },
	{ "create_module", { 0 }, NO(ENOSYS) },
	{ "kexec_load", { 0 }, NO(EPERM) },
	{ "kexec_file_load", { 0 }, NO(EPERM) },
	{ "keyctl", { 0 }, NO(EPERM) },
	{ "add_key", { 0 }, NO(EPERM) },
	{ "request_key", { 0 }, NO(EPERM) },
	{ "bpf", { 0 }, NO(EPERM) },
	{ "perf_event_open", { 0 }, NO(EPERM) },
	{ "ptrace", { 0 }, NO(EPERM) },
	{ "process_vm_readv", { 0 }, NO(EPERM) },
	{ "process_vm_writev", { 0 }, NO(EPERM) },
	{ "kcmp", { 0 }, NO(EPERM) },
	{ "pidfd_getfd", { 0 }, NO(EPERM) },
	{ "process_madvise", { 0 }, NO(EPERM) },
	{ "userfaultfd", { 0 }, NO(EPERM) },
	{ "mount", { 0 }, NO(EPERM) },
	{ "umount2", { 0 }, NO(EPERM) },
	{ "pivot_root", { 0 }, NO(EPERM) },
	{ "chroot", { 0 }, NO(EPERM) },
	{ "open_tree", { 0 }, NO(EPERM) },
	{ "open_tree_attr", { 0 }, NO(EPERM) },
	{ "move_mount", { 0 }, NO(EPERM) },
	{ "fsopen", { 0 }, NO(EPERM) },
	{ "fsconfig", { 0 }, NO(EPERM) },
	{ "fsmount", { 0 }, NO(EPERM) },
	{ "fspick", { 0 }, NO(EPERM) },
	{ "mount_setattr", { 0 }, NO(EPERM) },
	{ "io_uring_setup", { 0 }, NO(EPERM) },
	{ "io_uring_enter", { 0 }, NO(EPERM) },
	{ "io_uring_register", { 0 }, NO(EPERM) },
	{ "setns", { 0 }, NO(EPERM) },
	{ "swapon", { 0 }, NO(EPERM) },
	{ "swapoff", { 0 }, NO(EPERM) },
	{ "reboot", { 0 }, NO(EPERM) },
	{ "acct", { 0 }, NO(EPERM) },
	{ "quotactl", { 0 }, NO(EPERM) },
	{ "nfsservctl", { 0 }, NO(ENOSYS) },
	{ "iopl", { 0 }, NO(EPERM) },
	{ "ioperm", { 0 }, NO(EPERM) },
	{ "open_by_handle_at", { 0 }, NO(EPERM) },
	{ "lookup_dcookie", { 0 }, NO(EPERM) },
	{ "settimeofday", { 0 }, NO(EPERM) },
	{ "clock_settime", { 0 }, NO(EPERM) },
	{ "adjtimex", { 0 }, NO(EPERM) },
	{ "syslog", { 0 }, NO(EPERM) },
	{ "vhangup", { 0 }, NO(EPERM) },
	{ "sethostname", { 0 }, NO(EPERM) },
	{ "setdomainname", { 0 }, NO(EPERM) },
	{ "fanotify_init", { 0 }, NO(EPERM) },
	{ "clone3", { 0 }, NO(ENOSYS) },
	/* any namespace */
	{ "clone", { 0x11 }, ALLOW },
	{ "clone", { 0x3d0f00 }, ALLOW }, /* a thread */
	{ "clone", { 0x80 }, ALLOW },     /* CLONE_NEWTIME is a signal number here */
	{ "clone", { 0x00020000 }, NO(EPERM) },
	{ "clone", { 0x02000000 }, NO(EPERM) },
	{ "clone", { 0x04000000 }, NO(EPERM) },
	{ "clone", { 0x08000000 }, NO(EPERM) },
	{ "clone", { 0x10000000 }, NO(EPERM) },
	{ "clone", { 0x20000000 }, NO(EPERM) },
	{ "clone", { 0x40000011 }, NO(EPERM) },
	{ "clone", { HIGH | 0x10000011 }, NO(EPERM) },
	{ "unshare", { 0x400 }, ALLOW },
	{ "unshare", { 0x80 }, NO(EPERM) },
	{ "unshare", { 0x10000000 }, NO(EPERM) },
	{ "unshare", { 0x00020400 }, NO(EPERM) },
	/* families */
	{ "socket", { 1 }, ALLOW },
	{ "socket", { 2 }, ALLOW },
	{ "socket", { 10 }, ALLOW },
	{ "socket", { 16 }, ALLOW },
	{ "socket", { 0 }, NO(EAFNOSUPPORT) },
	{ "socket", { 3 }, NO(EAFNOSUPPORT) },
	{ "socket", { 9 }, NO(EAFNOSUPPORT) },
	{ "socket", { 11 }, NO(EAFNOSUPPORT) },
	{ "socket", { 15 }, NO(EAFNOSUPPORT) },
	{ "socket", { 17 }, NO(EAFNOSUPPORT) }, /* AF_PACKET */
	{ "socket", { 38 }, NO(EAFNOSUPPORT) }, /* AF_ALG */
	{ "socket", { 40 }, NO(EAFNOSUPPORT) }, /* AF_VSOCK */
	{ "socket", { HIGH | 40 }, NO(EAFNOSUPPORT) },
	{ "socket", { HIGH | 1 }, NO(EAFNOSUPPORT) },
	{ "socketpair", { 1 }, ALLOW },
	{ "socketpair", { 30 }, NO(EAFNOSUPPORT) },
	{ "socketpair", { HIGH | 40 }, NO(EAFNOSUPPORT) },
	/* terminals */
	{ "ioctl", { 0, 0x5401 }, ALLOW },
	{ "ioctl", { 0, 0 }, ALLOW },
	{ "ioctl", { 0, 0x5412 }, NO(EPERM) },
	{ "ioctl", { 0, HIGH | 0x5412 }, NO(EPERM) },
	{ "ioctl", { 0, 0x541c }, NO(EPERM) },
	{ "ioctl", { 0, HIGH | 0x541c }, NO(EPERM) },
	{ "ioctl", { 0, 0x80005412 }, ALLOW },
	/* personalities */
	{ "personality", { 0 }, ALLOW },
	{ "personality", { 8 }, ALLOW },
	{ "personality", { 0x20000 }, ALLOW },
	{ "personality", { 0x20008 }, ALLOW },
	{ "personality", { 0xffffffff }, ALLOW },
	{ "personality", { 0x40000 }, NO(EPERM) }, /* ADDR_NO_RANDOMIZE */
	{ "personality", { HIGH | 0x40000 }, NO(EPERM) },
	{ "personality", { 0x0400000 }, NO(EPERM) }, /* READ_IMPLIES_EXEC */
	/* device nodes */
	{ "mknod", { 0, 0644 }, ALLOW },
	{ "mknod", { 0, 0100644 }, ALLOW },
	{ "mknod", { 0, 0010644 }, ALLOW },
	{ "mknod", { 0, 0140644 }, ALLOW },
	{ "mknod", { 0, 0020644 }, NO(EPERM) },
	{ "mknod", { 0, 0060644 }, NO(EPERM) },
	{ "mknod", { 0, HIGH | 0060644 }, NO(EPERM) },
	{ "mknodat", { 0, 0, 0010644 }, ALLOW },
	{ "mknodat", { 0, 0, 0020644 }, NO(EPERM) },
	{ "mknodat", { 0, 0, 0060644 }, NO(EPERM) },
};

static int native_number(const char *name)
{
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (str_eq(syscall_names + syscall_table[i].name_at, name))
			return syscall_table[i].numbers[SCMP_ABI_NATIVE];
	fail_msg("no call named %s", name);
	return -1;
}

static void load_default(struct program *out)
{
	out->len = seccomp_default_len;
	memcpy(out->insns, seccomp_default_insns, out->len * sizeof(out->insns[0]));
}

static void test_default_decides(void **state)
{
	static struct program p;

	(void)state;
	load_default(&p);
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		struct seccomp_data d = { .arch = judge_abis[SCMP_ABI_NATIVE].token };
		uint32_t got;

		d.nr = native_number(decisions[i].name);
		if (d.nr < 0)
			continue; /* not on this machine */
		memcpy(d.args, decisions[i].args, sizeof(decisions[i].args));
		got = judge_run(&p, &d);
		if (got != decisions[i].expected)
			fail_msg("%s %#llx %#llx %#llx: %#x, not %#x", decisions[i].name, d.args[0],
				 d.args[1], d.args[2], got, decisions[i].expected);
	}
}

static void test_default_edges(void **state)
{
	static struct program p, again;
	struct scmp_profile profile;
	struct scmp_host host = { .native = SCMP_ABI_NATIVE, .kernel = { 5, 14 } };
	struct arena *a = arena_new();
	struct seccomp_data d = { .arch = judge_abis[SCMP_ABI_NATIVE].token, .nr = 4000 };

	(void)state;
	load_default(&p);
	assert_int_equal(judge_run(&p, &d), NO(ENOSYS));
	d.nr = -1;
	assert_int_equal(judge_run(&p, &d), NO(ENOSYS));
	d.arch = AUDIT_ARCH_I386;
	d.nr = 1;
	assert_int_equal(judge_run(&p, &d), SECCOMP_RET_KILL_PROCESS);
	if (SCMP_ABI_NATIVE == SCMP_ABI_X86_64) {
		d.arch = AUDIT_ARCH_X86_64;
		d.nr = (int)(X32_BIT | 1);
		assert_int_equal(judge_run(&p, &d), SECCOMP_RET_KILL_PROCESS);
	}
	judge_parse_file(a, DEFAULT, &host, &profile);
	judge_compile(&profile, &again);
	assert_int_equal(again.len, p.len);
	assert_memory_equal(again.insns, p.insns, p.len * sizeof(p.insns[0]));
	judge_compare(&profile, &p, NULL, true, 200000);
	arena_free(a);
}

/* A call that the table learns must get its decision, instead of falling to the default one. */
static void test_default_is_complete(void **state)
{
	struct scmp_host host = { .native = SCMP_ABI_NATIVE, .kernel = { 5, 14 } };
	struct arena *a = arena_new();
	struct scmp_profile p;

	(void)state;
	judge_parse_file(a, DEFAULT, &host, &p);
	for (size_t i = 0; i < SYSCALL_COUNT; i++) {
		const struct syscall_entry *call = &syscall_table[i];
		bool named = call->numbers[SCMP_ABI_X86_64] < 0 &&
			     call->numbers[SCMP_ABI_AARCH64] < 0 &&
			     call->numbers[SCMP_ABI_RISCV64] < 0;

		for (size_t j = 0; j < p.n_rules && !named; j++)
			named = judge_rule_names(&p.rules[j], syscall_names + call->name_at);
		if (!named)
			fail_msg("%s does not say what it does about %s", DEFAULT,
				 syscall_names + call->name_at);
	}
	for (size_t i = 0; i < p.n_rules; i++)
		for (size_t j = 0; j < p.rules[i].n_names; j++)
			if (!scmp_knows(p.rules[i].names[j]))
				fail_msg("%s: no call named %s", DEFAULT, p.rules[i].names[j]);
	arena_free(a);
}

/* In the child: 0, or the number of the check that failed. */
static int live_checks(void)
{
	int status;
	pid_t pid;

	if (syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM)
		return 2;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 3;
	if (syscall(SYS_socket, HIGH | 40, 1, 0) != -1 || errno != EAFNOSUPPORT)
		return 4;
	if (syscall(SYS_unshare, 0x10000000) != -1 || errno != EPERM)
		return 5;
	if (syscall(4000) != -1 || errno != ENOSYS)
		return 6;
	if (syscall(SYS_ioctl, 0, HIGH | 0x5412, "x") != -1 || errno != EPERM)
		return 7;
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "/bin/ls / >/dev/null | cat", (char *)NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return 8;
	return 0;
}

static void test_live(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    seccomp_install(seccomp_default_insns, seccomp_default_len, 0) != 0)
			_exit(1);
		_exit(live_checks());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(seccomp_install(seccomp_default_insns, 0, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_decides),
		cmocka_unit_test(test_default_edges),
		cmocka_unit_test(test_default_is_complete),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
