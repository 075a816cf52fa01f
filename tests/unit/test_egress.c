/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that may be reached: how they are written, and what is answered to whoever asks. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "egress.h"

static void wishes_are_read(void **state)
{
	static const struct {
		const char *text, *name;
		bool below;
		unsigned port;
		const char *address;
	} good[] = {
		{ "example.org", "example.org", false, 0, NULL },
		{ "EXAMPLE.org.", "example.org", false, 0, NULL },
		{ "*.debian.org", ".debian.org", true, 0, NULL },
		{ "example.org:443", "example.org", false, 443, NULL },
		{ "db=10.0.0.5", "db", false, 0, "10.0.0.5" },
		{ "db=10.0.0.5:5432", "db", false, 5432, "10.0.0.5" },
		{ "db=[fd00::5]:5432", "db", false, 5432, "fd00::5" },
		{ "db=[fd00::5]", "db", false, 0, "fd00::5" },
		{ "db=fd00::5", "db", false, 0, "fd00::5" },
		{ "*.x=127.0.0.1", ".x", true, 0, "127.0.0.1" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example", false, 0, NULL },
		{ "1and1.com", "1and1.com", false, 0, NULL },
	};
	static const char *const bad[] = {
		"",
		"*",
		"*.",
		"*a.org",
		"a.*.org",
		"a..org",
		".org",
		"-a.org",
		"a-.org",
		"a_b.org",
		"b\xc3\xbc"
		"cher.de",
		"a b.org",
		"a.org:0",
		"a.org:x",
		"a.org:65536",
		"a.org:",
		"10.0.0.1",
		"[fd00::1]",
		"a=",
		"a=b",
		"a=[fd00::1",
		"a=10.0.0.1:",
		"=10.0.0.1",
		"a/b.org",
		"http://a.org",
		"a\n.org",
	};
	char long_name[300], text[IP_TEXT_MAX];
	struct host_wish w;
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (host_wish_parse(good[i].text, &w, &why) < 0)
			fail_msg("%s: %s", good[i].text, why);
		assert_string_equal(w.name, good[i].name);
		assert_int_equal(w.any_below, good[i].below);
		assert_int_equal(w.port, good[i].port);
		assert_int_equal(w.address.family != 0, good[i].address != NULL);
		if (good[i].address)
			assert_string_equal(ip_print(&w.address, text), good[i].address);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (host_wish_parse(bad[i], &w, &why) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	memset(long_name, 'a', sizeof(long_name));
	long_name[64] = 0;
	assert_int_equal(host_wish_parse(long_name, &w, &why), -EINVAL); /* a label of 64 */
	long_name[63] = 0;
	assert_int_equal(host_wish_parse(long_name, &w, &why), 0);
	for (size_t i = 0; i < 254; i++)
		long_name[i] = i % 2 ? '.' : 'a';
	long_name[254] = 0;
	assert_int_equal(host_wish_parse(long_name, &w, &why), -EINVAL);
	long_name[253] = 0;
	assert_int_equal(host_wish_parse(long_name, &w, &why), 0);
	assert_int_equal(hostname_lower("a\0b", 3, long_name), -EINVAL);
}

/* A question for `name`, whose labels are given as they are on the wire. */
static size_t question(uint8_t out[DNS_MAX], const char *wire, size_t len, unsigned type)
{
	static const uint8_t head[12] = { 0x12, 0x34, 1, 0, 0, 1 };

	memcpy(out, head, sizeof(head));
	memcpy(out + 12, wire, len);
	out[12 + len] = 0;
	out[13 + len] = (uint8_t)type;
	out[14 + len] = 0;
	out[15 + len] = 1;
	return 16 + len;
}

#define WIRE(text) text, sizeof(text)

static void fill(struct names *n, const char *const *wishes)
{
	const char *why;

	*n = (struct names){ .wishes = calloc(8, sizeof(*n->wishes)) };
	for (; *wishes; wishes++)
		assert_int_equal(host_wish_parse(*wishes, &n->wishes[n->n_wishes++], &why), 0);
}

static void empty(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->items[i]);
	free(n->wishes);
}

static void questions_are_answered(void **state)
{
	static const char *const wishes[] = { "example.org", "*.debian.org", NULL };
	uint8_t q[DNS_MAX + 1], a[DNS_MAX];
	struct names n;
	size_t len;

	(void)state;
	fill(&n, wishes);
	len = question(q, WIRE("\7eXample\3org"), 1);
	assert_int_equal(dns_answer(&n, q, len, a), len + 16);
	assert_int_equal(a[0] << 8 | a[1], 0x1234);
	assert_int_equal(a[2] & 0x80, 0x80);
	assert_int_equal(a[3] & 15, 0);
	assert_int_equal(a[7], 1);
	assert_memory_equal(a + len + 12, "\xc6\x12\0\2", 4); /* 198.18.0.2 */
	/* The next name has the next address, and the same name the same. */
	len = question(q, WIRE("\1a\6debian\3org"), 1);
	assert_int_equal(dns_answer(&n, q, len, a), len + 16);
	assert_memory_equal(a + len + 12, "\xc6\x12\0\3", 4);
	len = question(q, WIRE("\7example\3org"), 1);
	assert_int_equal(dns_answer(&n, q, len, a), len + 16);
	assert_memory_equal(a + len + 12, "\xc6\x12\0\2", 4);
	/* There it is, but not as IPv6. */
	len = question(q, WIRE("\7example\3org"), 28);
	assert_int_equal(dns_answer(&n, q, len, a), len);
	assert_int_equal(a[3] & 15, 0);
	assert_int_equal(a[7], 0);
	/* Not allowed: below an exact name, the pattern's own name, something else, an odd name. */
	len = question(q, WIRE("\1a\7example\3org"), 1);
	assert_int_equal(dns_answer(&n, q, len, a), len);
	assert_int_equal(a[3] & 15, 3);
	len = question(q, WIRE("\6debian\3org"), 1);
	assert_int_equal(dns_answer(&n, q, len, a), len);
	assert_int_equal(a[3] & 15, 3);
	len = question(q, WIRE("\x9xdebian\3org"), 1);
	dns_answer(&n, q, len, a);
	assert_int_not_equal(a[3] & 15, 0);
	len = question(q, WIRE("\4a_.b\6debian\3org"), 1);
	dns_answer(&n, q, len, a);
	assert_int_not_equal(a[3] & 15, 0);
	assert_int_equal(n.n, 2);
	empty(&n);
}

static void what_is_no_question_is_answered_shortly(void **state)
{
	static const char *const wishes[] = { "*.org", NULL };
	uint8_t q[DNS_MAX + 1] = { 0 }, a[DNS_MAX];
	struct names n;
	size_t len;

	(void)state;
	fill(&n, wishes);
	len = question(q, WIRE("\1a\3org"), 1);
	for (size_t cut = 0; cut < 12; cut++)
		assert_int_equal(dns_answer(&n, q, cut, a), 0);
	for (size_t cut = 12; cut < len; cut++) {
		assert_int_equal(dns_answer(&n, q, cut, a), 12);
		assert_int_equal(a[3] & 15, 1);
		assert_int_equal(a[5], 0);
	}
	q[2] |= 0x80; /* an answer */
	assert_int_equal(dns_answer(&n, q, len, a), 0);
	q[2] = 0x28; /* another kind of request */
	assert_int_equal(dns_answer(&n, q, len, a), len);
	assert_int_equal(a[3] & 15, 4);
	q[2] = 1;
	q[5] = 2; /* two questions */
	assert_int_equal(dns_answer(&n, q, len, a), 12);
	q[5] = 1;
	q[12] = 0xc0; /* a pointer */
	assert_int_equal(dns_answer(&n, q, len, a), 12);
	q[12] = 63; /* a label that reaches beyond */
	assert_int_equal(dns_answer(&n, q, len, a), 12);
	assert_int_equal(dns_answer(&n, q, DNS_MAX + 1, a), 0);
	/* Bytes at random: no more than an answer, and never a crash. */
	srandom(7);
	for (int i = 0; i < 200000; i++) {
		len = (size_t)random() % (DNS_MAX + 1);
		for (size_t k = 0; k < len; k++)
			q[k] = (uint8_t)(random() % 3 ? random() % 8 : random());
		assert_true(dns_answer(&n, q, len, a) <= DNS_MAX);
	}
	empty(&n);
}

static void there_are_so_many_names(void **state)
{
	static const char *const wishes[] = { "*.org:80", "a.org:443", NULL };
	char text[32];
	struct names n;
	bool full;
	struct ip ip;

	(void)state;
	fill(&n, wishes);
	for (unsigned i = 0; i < POOL_NAMES; i++) {
		snprintf(text, sizeof(text), "n%u.org", i);
		assert_non_null(names_get(&n, text, &full));
	}
	assert_null(names_get(&n, "more.org", &full));
	assert_true(full);
	assert_null(names_get(&n, "more.net", &full));
	assert_false(full);
	for (unsigned i = 0; i < POOL_NAMES; i += 77) {
		ip = names_address(&n, n.items[i]);
		assert_ptr_equal(names_at(&n, &ip), n.items[i]);
	}
	ip_parse("198.18.0.1", &ip);
	assert_null(names_at(&n, &ip));
	ip_parse("198.20.0.2", &ip);
	assert_null(names_at(&n, &ip));
	assert_non_null(names_port(&n, n.items[0], 80));
	assert_null(names_port(&n, n.items[0], 81));
	/* Of several wishes that have a name, any may have the port. */
	strcpy(n.items[0]->text, "a.org");
	assert_non_null(names_port(&n, n.items[0], 443));
	empty(&n);
}

static void special_addresses(void **state)
{
	static const char *const special[] = {
		"127.0.0.1",
		"10.1.2.3",
		"172.31.255.255",
		"192.168.0.1",
		"169.254.169.254",
		"0.0.0.0",
		"100.64.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"198.18.0.1",
		"::1",
		"::",
		"fe80::1",
		"fd00::1",
		"ff02::1",
		"::ffff:1.2.3.4",
		"64:ff9b::1.2.3.4",
		"2002:a00:1::1",
		"2001:db8::1",
		"2001::1",
	};
	static const char *const plain[] = { "1.1.1.1",     "172.32.0.1",      "198.20.0.1",
					     "192.169.0.1", "2606:4700::1111", "2a00:1450::1" };
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		assert_int_equal(ip_parse(special[i], &ip), 0);
		if (!ip_is_special(&ip))
			fail_msg("%s is nobody's own", special[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		assert_int_equal(ip_parse(plain[i], &ip), 0);
		if (ip_is_special(&ip))
			fail_msg("%s is somebody's", plain[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_are_read),
		cmocka_unit_test(questions_are_answered),
		cmocka_unit_test(what_is_no_question_is_answered_shortly),
		cmocka_unit_test(there_are_so_many_names),
		cmocka_unit_test(special_addresses),
	};

	return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
