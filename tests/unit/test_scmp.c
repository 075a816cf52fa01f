/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seccomp profiles: reading and compiling them; scmp_judge.h says who judges the result.
 *
 * Runs in the root of the sources. HOLM_TEST_SEED chooses other random profiles and calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first. */
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/str.h"
#include "scmp_judge.h"
#include "sec/bpf.h"
#include "syscalls.inc"

#define DOCKER_LIKE   "tests/unit/data/docker-like.json"
#define ORACLE_CALLS  400000 /* for each machine */
#define RANDOM_ROUNDS 150
#define RANDOM_CALLS  10000 /* for each random profile */

static void parse_text(struct arena *a, const char *json, struct scmp_profile *out)
{
	struct err e = { 0 };

	if (scmp_parse(a, json, strlen(json), "t.json", out, &e) < 0)
		fail_msg("%s", e.text);
}

/* ---- parsing ---- */

static void test_parse_good(void **state)
{
	struct arena *a = arena_new();
	struct scmp_profile p;

	(void)state;
	parse_text(
		a,
		"{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"unknown\": [ 1 ],"
		"  \"architectures\": [ \"SCMP_ARCH_X86\", \"SCMP_ARCH_S390X\" ],"
		"  \"flags\": [ \"SECCOMP_FILTER_FLAG_LOG\", \"SECCOMP_FILTER_FLAG_TSYNC\" ],"
		"  \"listenerPath\": \"/run/l\", \"listenerMetadata\": \"m\","
		"  \"syscalls\": ["
		"    { \"names\": [ \"read\", \"write\" ], \"action\": \"SCMP_ACT_ALLOW\" },"
		"    { \"name\": \"kill\", \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 7,"
		"      \"args\": [ { \"index\": 5, \"value\": 18446744073709551615,"
		"                    \"valueTwo\": 3, \"op\": \"SCMP_CMP_MASKED_EQ\" } ] },"
		"    { \"names\": [ \"bpf\" ], \"action\": \"SCMP_ACT_NOTIFY\" },"
		"    { \"names\": [ \"dup\" ], \"action\": \"SCMP_ACT_KILL\","
		"      \"args\": [ { \"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\" },"
		"                  { \"index\": 0, \"value\": 2, \"op\": \"SCMP_CMP_EQ\" } ] } ] }",
		&p);
	assert_int_equal(p.default_action, SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(p.abis, 1U << SCMP_ABI_X86);
	assert_int_equal(p.native, SCMP_ABI_NATIVE);
	assert_int_equal(p.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
	assert_string_equal(p.listener_path, "/run/l");
	assert_string_equal(p.listener_metadata, "m");
	assert_int_equal(p.n_rules, 5);
	assert_int_equal(p.rules[0].n_names, 2);
	assert_string_equal(p.rules[0].names[1], "write");
	assert_int_equal(p.rules[1].action, SECCOMP_RET_TRACE | 7);
	assert_int_equal(p.rules[1].args[0].index, 5);
	assert_true(p.rules[1].args[0].value == UINT64_MAX);
	assert_int_equal(p.rules[1].args[0].op, SCMP_MASKED_EQ);
	assert_true(scmp_notifies(&p));
	assert_int_equal(p.rules[3].n_args, 1); /* the same argument twice: two rules */
	assert_int_equal(p.rules[4].args[0].value, 2);
	arena_free(a);
}

static const struct {
	const char *json, *error;
} bad[] = {
	{ "", "t.json:1:1: the JSON text ends too early" },
	{ "{\n  \"defaultAction\" 1 }", "t.json:2:19: there is no colon" },
	{ "{} {}", "t.json:1:" },
	{ "null ", "t.json:1:1: null is nothing to work with" },
	{ "[]", "t.json: must be an object, not a list" },
	{ "{}", "t.json: .defaultAction: is missing" },
	{ "{\"defaultAction\": 1}", "t.json: .defaultAction: must be a string, not a number" },
	{ "{\"defaultAction\": \"ALLOW\"}", ".defaultAction: there is no action \"ALLOW\"" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\\u0000\"}", ".defaultAction: has a zero byte" },
	{ "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", ".defaultAction: SCMP_ACT_NOTIFY would" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}",
	  ".defaultErrnoRet: SCMP_ACT_ALLOW takes no errno" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096}",
	  ".defaultErrnoRet: must not be more than 4095" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": -1}",
	  ".defaultErrnoRet: must be a whole number" },
#define HEAD "{\"defaultAction\": \"SCMP_ACT_ALLOW\", "
	{ HEAD "\"architectures\": [\"SCMP_ARCH_X86\", \"x86\"]}",
	  ".architectures[1]: there is no architecture \"x86\"" },
	{ HEAD "\"architectures\": [\"SCMP_ARCH_X86\"], \"archMap\": [{}]}",
	  ".archMap: there is .architectures too" },
	{ HEAD "\"archMap\": [{}]}", ".archMap[0].architecture: is missing" },
	{ HEAD "\"flags\": [\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}", ".flags[0]: there is no" },
	{ HEAD "\"listenerPath\": 1}", ".listenerPath: must be a string" },
	{ HEAD "\"syscalls\": {}}", ".syscalls: must be a list, not an object" },
	{ HEAD "\"syscalls\": [null]}", ".syscalls[0]: must be an object, not null" },
	{ HEAD "\"syscalls\": [{\"names\": [\"a\"]}]}", ".syscalls[0].action: is missing" },
#define RULE HEAD "\"syscalls\": [{\"action\": \"SCMP_ACT_KILL\", "
	{ RULE "\"args\": []}]}", ".syscalls[0].names: is missing" },
	{ RULE "\"names\": []}]}", ".syscalls[0].names: is empty" },
	{ RULE "\"names\": [\"a\", 2]}]}", ".syscalls[0].names[1]: must be a string" },
	{ RULE "\"names\": [\"\"]}]}", ".syscalls[0].names[0]: is empty" },
	{ RULE "\"names\": [\"a\"], \"errnoRet\": 1}]}", ".syscalls[0].errnoRet: SCMP_ACT_KILL" },
	{ RULE "\"names\": [\"a\"], \"includes\": []}]}", ".syscalls[0].includes: must be" },
	{ RULE "\"names\": [\"a\"], \"excludes\": {\"caps\": [1]}}]}",
	  ".syscalls[0].excludes.caps[0]: must be" },
	{ RULE "\"names\": [\"a\"], \"includes\": {\"minKernel\": \"5\"}}]}",
	  ".syscalls[0].includes.minKernel: \"5\" is not like" },
#define ARG RULE "\"names\": [\"a\"], \"args\": [{"
	{ ARG "}]}]}", ".syscalls[0].args[0].index: is missing" },
	{ ARG "\"index\": 6}]}]}", ".syscalls[0].args[0].index: must not be more than 5" },
	{ ARG "\"index\": 1.0}]}]}", ".syscalls[0].args[0].index: must be a whole number" },
	{ ARG "\"index\": 1}]}]}", ".syscalls[0].args[0].value: is missing" },
	{ ARG "\"index\": 1, \"value\": -1}]}]}", ".args[0].value: must be a whole number" },
	{ ARG "\"index\": 1, \"value\": 1}]}]}", ".args[0].op: is missing" },
	{ ARG "\"index\": 1, \"value\": 1, \"op\": \"EQ\"}]}]}", "there is no comparison \"EQ\"" },
};

static void test_parse_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct arena *a = arena_new();
		struct scmp_profile p = { .n_rules = 77 };
		struct err e = { 0 };
		int r = scmp_parse(a, bad[i].json, strlen(bad[i].json), "t.json", &p, &e);

		if (r >= 0 || e.code != -r || !strstr(e.text, bad[i].error))
			fail_msg("%s: %d, %s", bad[i].json, r, e.text);
		assert_true(str_starts(e.text, "t.json"));
		assert_int_equal(p.n_rules, 77);
		arena_free(a);
	}
}

/* How many rules of the Docker-like profile name `name`, for `host`. */
static size_t rules_for(const struct scmp_host *host, const char *name)
{
	struct arena *a = arena_new();
	struct scmp_profile p;
	size_t n = 0;

	judge_parse_file(a, DOCKER_LIKE, host, &p);
	for (size_t i = 0; i < p.n_rules; i++)
		n += judge_rule_names(&p.rules[i], name);
	arena_free(a);
	return n;
}

static void test_parse_includes(void **state)
{
	struct scmp_host plain = { .native = SCMP_ABI_X86_64, .kernel = { 5, 14 } };
	struct scmp_host admin = { .native = SCMP_ABI_AARCH64,
				   .caps = 1U << 21, /* CAP_SYS_ADMIN */
				   .kernel = { 4, 7 } };
	struct arena *a = arena_new();
	struct scmp_profile p;

	(void)state;
	assert_int_equal(rules_for(&plain, "mount"), 0);
	assert_int_equal(rules_for(&admin, "mount"), 1);
	assert_int_equal(rules_for(&plain, "clone3"), 1); /* ENOSYS */
	assert_int_equal(rules_for(&admin, "clone3"), 1); /* allowed */
	assert_int_equal(rules_for(&plain, "ptrace"), 1);
	assert_int_equal(rules_for(&admin, "ptrace"), 0); /* kernel before 4.8 */
	assert_int_equal(rules_for(&plain, "modify_ldt"), 1);
	assert_int_equal(rules_for(&admin, "modify_ldt"), 0);
	judge_parse_file(a, DOCKER_LIKE, &plain, &p);
	assert_int_equal(p.abis, 1U << SCMP_ABI_X86_64 | 1U << SCMP_ABI_X86 | 1U << SCMP_ABI_X32);
	judge_parse_file(a, DOCKER_LIKE, &admin, &p);
	assert_int_equal(p.abis, 1U << SCMP_ABI_AARCH64 | 1U << SCMP_ABI_ARM);
	arena_free(a);
}

/* ---- compiling ---- */

static void test_table(void **state)
{
	(void)state;
	assert_true(scmp_knows("read"));
	assert_true(scmp_knows("file_setattr"));
	assert_false(scmp_knows("reader"));
	assert_false(scmp_knows(""));
	for (size_t i = 1; i < SYSCALL_COUNT; i++)
		assert_true(strcmp(syscall_names + syscall_table[i - 1].name_at,
				   syscall_names + syscall_table[i].name_at) < 0);
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		for (size_t abi = 0; abi < SCMP_ABI_COUNT; abi++)
			for (size_t j = 0; j < i; j++)
				assert_true(syscall_table[i].numbers[abi] < 0 ||
					    syscall_table[i].numbers[abi] !=
						    syscall_table[j].numbers[abi]);
	printf("table: %d names, %zu bytes\n", SYSCALL_COUNT,
	       sizeof(syscall_names) + sizeof(syscall_table));
	assert_true(sizeof(syscall_names) + sizeof(syscall_table) < 20000);
}

static void test_oracle_docker(void **state)
{
	static const enum scmp_abi machines[] = { SCMP_ABI_X86_64, SCMP_ABI_AARCH64,
						  SCMP_ABI_RISCV64 };
	static struct program ours, theirs;
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct scmp_host host = { .native = machines[i], .kernel = { 5, 14 } };
		struct arena *a = arena_new();
		struct scmp_profile p;

		judge_parse_file(a, DOCKER_LIKE, &host, &p);
		judge_compile(&p, &ours);
		judge_libseccomp(&p, &theirs);
		printf("machine %d: ours %zu instructions, libseccomp %zu\n", (int)machines[i],
		       ours.len, theirs.len);
		total += judge_compare(&p, &ours, &theirs, false, ORACLE_CALLS);
		judge_compare(&p, &ours, NULL, true, ORACLE_CALLS / 20);
		arena_free(a);
	}
	printf("compared with libseccomp: %zu calls\n", total);
	assert_true(total > 1000000);
}

static uint32_t random_action(void)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_ALLOW,       SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
		SECCOMP_RET_ERRNO | 38,  SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_KILL_THREAD, SECCOMP_RET_LOG,   SECCOMP_RET_TRAP,
		SECCOMP_RET_TRACE | 5,
	};

	return actions[judge_below(ARRAY_SIZE(actions))];
}

static uint64_t random_value(void)
{
	switch (judge_below(5)) {
	case 0:
		return judge_below(4);
	case 1:
		return UINT64_MAX - judge_below(3);
	case 2:
		return (1ULL << 32) + judge_below(3) - 1;
	case 3:
		return judge_random() >> judge_below(64);
	default:
		return (uint32_t)judge_random() & 0xffff;
	}
}

/* What a random profile may have. */
enum kind {
	KIND_LONE,  /* one rule with conditions a call at most, of any kind */
	KIND_EQUAL, /* several, but each one a single comparison for equality */
	KIND_MIXED, /* anything */
};

/* Conditions on different arguments, in ascending order. */
static size_t random_args(struct scmp_arg *out, enum kind kind)
{
	size_t n = 0, wanted = kind == KIND_EQUAL ? 1 : 1 + judge_below(4);

	for (unsigned i = judge_below(3); i < SCMP_ARGS_MAX && n < wanted;
	     i += 1 + judge_below(2)) {
		enum scmp_op op = judge_below(SCMP_OP_COUNT);

		if (kind == KIND_EQUAL)
			op = judge_below(2) ? SCMP_EQ : SCMP_MASKED_EQ;
		out[n] = (struct scmp_arg){ i, op, random_value(), random_value() };
		/* To libseccomp, a condition with an empty mask is none. */
		if (kind != KIND_MIXED && op == SCMP_MASKED_EQ)
			out[n].value |= 1;
		n++;
	}
	return n;
}

#define CALLS_MAX 60

struct random_name {
	const char *name;
	uint32_t action, fixed; /* with conditions, without */
	bool has_rule;
};

static struct scmp_rule random_rule(struct arena *a, struct random_name *call, enum kind kind)
{
	struct scmp_arg *args = arena_alloc(a, SCMP_ARGS_MAX * sizeof(*args));
	struct scmp_rule r = { .names = arena_alloc(a, sizeof(char *)), .n_names = 1 };

	r.names[0] = call->name;
	r.args = args;
	if (judge_below(16) && !(kind == KIND_LONE && call->has_rule)) {
		r.n_args = random_args(args, kind);
		call->has_rule = true;
	}
	r.action = kind == KIND_MIXED ? random_action() : r.n_args ? call->action : call->fixed;
	return r;
}

static struct scmp_rule plain_rule(struct arena *a, const char *name, uint32_t action)
{
	struct scmp_rule r = { .names = arena_alloc(a, sizeof(char *)),
			       .n_names = 1,
			       .action = action };

	r.names[0] = name;
	return r;
}

/* Random rules for few calls, so that rules meet. */
static void random_profile(struct arena *a, enum kind kind, struct scmp_profile *out)
{
	size_t n_rules = 1 + judge_below(60), n_calls = 1 + judge_below(CALLS_MAX - 1), n = 0;
	size_t at = judge_below(SYSCALL_COUNT);
	struct random_name calls[CALLS_MAX];
	struct scmp_rule *rules = arena_alloc(a, n_rules * sizeof(*rules));

	*out = (struct scmp_profile){ .default_action = random_action(), .rules = rules };
	out->native = judge_below(2) ? SCMP_ABI_X86_64 : SCMP_ABI_AARCH64;
	out->abis = judge_below(1U << SCMP_ABI_COUNT);
	for (size_t i = 0; i < n_calls; at++) {
		const struct syscall_entry *call = &syscall_table[at % SYSCALL_COUNT];

		/* Inside socketcall and ipc, libseccomp takes some of these for contradictions. */
		if (kind == KIND_MIXED || !call->inside)
			calls[i++] =
				(struct random_name){ syscall_names + call->name_at,
						      random_action(), random_action(), false };
	}
	/* Without one unconditional rule, libseccomp 2.5.4 may forget to load the number. */
	rules[n++] = plain_rule(a, "getppid",
				out->default_action == SECCOMP_RET_ALLOW ? SECCOMP_RET_LOG
									 : SECCOMP_RET_ALLOW);
	for (size_t i = 1; i < n_rules; i++) {
		struct scmp_rule r = random_rule(a, &calls[judge_below((unsigned)n_calls)], kind);

		if (kind == KIND_MIXED || r.action != out->default_action)
			rules[n++] = r;
	}
	out->n_rules = n;
}

/*
 * Where several rules share a call and hold several comparisons, or LT, LE, GT and GE beside each
 * other, libseccomp 2.5.4 is no judge: it contradicts the plain reading of the profile, and at
 * times never comes back. Our own judge has those, in test_judge_random.
 */
static void test_oracle_random(void **state)
{
	static struct program ours, theirs;
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < RANDOM_ROUNDS; i++) {
		struct arena *a = arena_new();
		struct scmp_profile p;

		random_profile(a, i % 2 ? KIND_LONE : KIND_EQUAL, &p);
		judge_compile(&p, &ours);
		judge_libseccomp(&p, &theirs);
		total += judge_compare(&p, &ours, &theirs, false, RANDOM_CALLS);
		judge_compare(&p, &ours, NULL, true, RANDOM_CALLS / 10);
		arena_free(a);
	}
	printf("compared with libseccomp: %zu calls on %d random profiles\n", total, RANDOM_ROUNDS);
}

static void test_judge_random(void **state)
{
	static struct program ours;

	(void)state;
	for (size_t i = 0; i < RANDOM_ROUNDS * 2; i++) {
		struct arena *a = arena_new();
		struct scmp_profile p;

		random_profile(a, KIND_MIXED, &p);
		judge_compile(&p, &ours);
		judge_compare(&p, &ours, NULL, true, RANDOM_CALLS / 5);
		arena_free(a);
	}
}

/* One rule with one condition for each of `n` values, on the calls that `next` walks over. */
static void many_rules(struct arena *a, size_t n, bool one_call, struct scmp_profile *out)
{
	struct scmp_rule *rules = arena_alloc(a, n * sizeof(*rules));
	struct scmp_arg *args = arena_alloc(a, n * sizeof(*args));

	for (size_t i = 0; i < n; i++) {
		rules[i].names = arena_alloc(a, sizeof(char *));
		rules[i].names[0] =
			one_call ? "ioctl"
				 : syscall_names + syscall_table[i % SYSCALL_COUNT].name_at;
		rules[i].n_names = 1;
		rules[i].action = SECCOMP_RET_ERRNO | (uint32_t)(1 + i % 40);
		args[i] = (struct scmp_arg){ 1, SCMP_EQ, i << 30, 0 };
		rules[i].args = &args[i];
		rules[i].n_args = 1;
	}
	*out = (struct scmp_profile){ .default_action = SECCOMP_RET_ALLOW,
				      .native = SCMP_ABI_X86_64,
				      .rules = rules,
				      .n_rules = n };
}

static void test_long_jumps(void **state)
{
	static struct program ours;

	(void)state;
	for (size_t n = 50; n <= 750; n += 100) {
		for (int one_call = 0; one_call < 2; one_call++) {
			struct arena *a = arena_new();
			struct scmp_profile p;

			many_rules(a, n, one_call, &p);
			judge_compile(&p, &ours);
			assert_true(ours.len > n);
			judge_compare(&p, &ours, NULL, true, 2000);
			arena_free(a);
		}
	}
}

static void test_too_long(void **state)
{
	static struct program ours;
	struct arena *a = arena_new();
	struct scmp_profile p;
	struct err e = { 0 };
	size_t len = 77;

	(void)state;
	many_rules(a, 1500, true, &p);
	assert_int_equal(scmp_compile(&p, ours.insns, BPF_MAXINSNS, &len, &e), -E2BIG);
	assert_non_null(strstr(e.text, "there is room for 4096"));
	many_rules(a, 4000, true, &p);
	assert_int_equal(scmp_compile(&p, ours.insns, BPF_MAXINSNS, &len, &e), -E2BIG);
	many_rules(a, 10, true, &p);
	assert_int_equal(scmp_compile(&p, ours.insns, 10, &len, &e), -E2BIG);
	assert_int_equal(scmp_compile(&p, ours.insns, 0, &len, &e), -E2BIG);
	assert_int_equal(len, 77);
	arena_free(a);
}

static void test_trivial(void **state)
{
	static struct program ours;
	struct scmp_profile p = { .default_action = SECCOMP_RET_ALLOW };

	(void)state;
	for (unsigned native = 0; native < SCMP_ABI_COUNT; native++) {
		p.native = native;
		judge_compile(&p, &ours);
		judge_compare(&p, &ours, NULL, true, 5000);
	}
}

static void test_check_raw(void **state)
{
	static const char data[4097 * 8];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(seccomp_check_raw(data, 8, &e), 0);
	assert_int_equal(seccomp_check_raw(data, 4096 * 8, &e), 0);
	assert_int_equal(seccomp_check_raw(data, 0, &e), -EINVAL);
	assert_int_equal(seccomp_check_raw(NULL, 8, &e), -EINVAL);
	assert_int_equal(seccomp_check_raw(data, 12, &e), -EINVAL);
	assert_int_equal(seccomp_check_raw(data, sizeof(data), &e), -E2BIG);
}

/* ---- speed ---- */

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void test_speed(void **state)
{
	struct scmp_host host = { .native = SCMP_ABI_X86_64, .kernel = { 5, 14 } };
	static struct program ours;
	struct arena *a = arena_new();
	double best = 1e9, best_parse = 1e9, start;
	struct scmp_profile p;
	size_t len;
	_cleanup_free_ char *json = judge_slurp(DOCKER_LIKE, &len);

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct arena *b = arena_new();
		struct err e;

		start = now_us();
		assert_int_equal(scmp_parse_for(b, json, len, "t", &host, &p, &e), 0);
		best_parse = MIN(best_parse, now_us() - start);
		arena_free(b);
	}
	judge_parse_file(a, DOCKER_LIKE, &host, &p);
	for (int i = 0; i < 1000; i++) {
		start = now_us();
		judge_compile(&p, &ours);
		best = MIN(best, now_us() - start);
	}
	start = now_us();
	judge_libseccomp(&p, &ours);
	printf("Docker-like profile, three conventions: parsed in %.0f us, compiled in %.0f us "
	       "(libseccomp: %.0f us)\n",
	       best_parse, best, now_us() - start);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),     cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_parse_includes), cmocka_unit_test(test_table),
		cmocka_unit_test(test_check_raw),      cmocka_unit_test(test_trivial),
		cmocka_unit_test(test_long_jumps),     cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_judge_random),   cmocka_unit_test(test_oracle_docker),
		cmocka_unit_test(test_oracle_random),  cmocka_unit_test(test_speed),
	};
	const char *seed = getenv("HOLM_TEST_SEED");

	if (seed)
		judge_seed ^= strtoull(seed, NULL, 0) * 0x100000001b3ULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
