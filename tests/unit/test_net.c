/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, ports, and who gets which number: what is pure of networks. */
#include "unit.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ip.h"
#include "base/netrule.h"
#include "base/portmap.h"
#include "base/spans.h"
#include "base/str.h"
#include "net/netlink.h"
#include "state/network.h"

static struct ip_net net(const char *text)
{
	struct ip_net n;

	if (ip_net_parse(text, &n) < 0)
		fail_msg("%s", text);
	return n;
}

static void addresses_are_read_and_written(void **state)
{
	static const char *const good[] = { "10.0.0.5/24", "fd00::5/64", "0.0.0.0/0", "::/0",
					    "192.0.2.1/32" };
	static const char *const bad[] = { "",           "10.0.0/24",  "10.0.0.5/33",
					   "10.0.0.5/",  "fd00::/129", "10.0.0.5/24 ",
					   "1.2.3.4/-1", "::1%lo",     "010.0.0.1x" };
	char text[IP_TEXT_MAX];
	struct ip_net n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		n = net(good[i]);
		assert_string_equal(ip_net_print(&n, text), good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (ip_net_parse(bad[i], &n) != -EINVAL)
			fail_msg("%s", bad[i]);
	n = net("10.0.0.5");
	assert_int_equal(n.prefix, 32);
}

static void hardware_addresses(void **state)
{
	uint8_t mac[MAC_LEN];
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_int_equal(mac_parse("02:00:0a:FF:00:01", mac), 0);
	assert_string_equal(mac_print(mac, text), "02:00:0a:ff:00:01");
	assert_int_equal(mac_parse("03:00:00:00:00:01", mac), -EINVAL); /* a group's */
	assert_int_equal(mac_parse("02:00:00:00:00", mac), -EINVAL);
	assert_int_equal(mac_parse("02-00-00-00-00-01", mac), -EINVAL);
}

static void addresses_are_counted(void **state)
{
	struct ip_net n = net("10.1.255.77/16"), v6 = net("fd00::/64"), base = ip_net_base(&n);
	char text[IP_TEXT_MAX];
	struct ip a = ip_net_at(&n, 257);

	(void)state;
	assert_string_equal(ip_net_print(&base, text), "10.1.0.0/16");
	assert_string_equal(ip_print(&a, text), "10.1.1.1");
	assert_int_equal(ip_net_index(&n, &a), 257);
	a = ip_net_at(&v6, 65536);
	assert_string_equal(ip_print(&a, text), "fd00::1:0");
	assert_int_equal(ip_net_index(&v6, &a), 65536);
}

static void networks_overlap_or_not(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.200.0.0/16", true },
		{ "10.0.0.0/22", "10.0.4.0/22", false },
		{ "10.0.3.255/32", "10.0.0.0/22", true },
		{ "fd00::/64", "fd00:0:0:1::/64", false },
		{ "fd00::/8", "fd12::/64", true },
		{ "10.0.0.0/8", "::/0", false },
		{ "10.0.0.128/25", "10.0.0.0/25", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_net a = net(cases[i].a), b = net(cases[i].b);

		if (ip_net_overlap(&a, &b) != cases[i].overlap ||
		    ip_net_overlap(&b, &a) != cases[i].overlap)
			fail_msg("%s %s", cases[i].a, cases[i].b);
	}
}

static void ports_are_read_and_written(void **state)
{
	static const char *const good[][2] = {
		{ "8080:80", "127.0.0.1:8080:80/tcp" },
		{ "0.0.0.0:8080:80/udp", "0.0.0.0:8080:80/udp" },
		{ "[::]:53:53/udp", "[::]:53:53/udp" },
		{ "80", "127.0.0.1:0:80/tcp" },
		{ ":80", "127.0.0.1:0:80/tcp" },
		{ "0:80", "127.0.0.1:0:80/tcp" },
		{ "192.0.2.1::80", "192.0.2.1:0:80/tcp" },
		{ "8000-8099:9000-9099", "127.0.0.1:8000-8099:9000-9099/tcp" },
		{ "1-65535:1-65535", "127.0.0.1:1-65535:1-65535/tcp" },
	};
	static const char *const bad[] = {
		"",         "0",        "8080:0",      "8080:80/sctp",    "80:80:80",
		"70000:80", "80-90:80", "80-90:80-91", "90-80:1-11",      "[::]80:80",
		"x:80",     "80:80-81", "80-90",       "1.2.3.4.5:80:80", "80:80/",
		"-1:80"
	};
	char text[PORTMAP_TEXT_MAX];
	struct portmap p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (portmap_parse(good[i][0], &p) < 0)
			fail_msg("%s", good[i][0]);
		assert_string_equal(portmap_print(&p, text), good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (portmap_parse(bad[i], &p) != -EINVAL)
			fail_msg("%s", bad[i]);
}

static void ports_clash_or_not(void **state)
{
	static const struct {
		const char *a, *b;
		bool clash;
	} cases[] = {
		{ "8080:80", "8080:81", true },
		{ "8080:80", "8080:80/udp", false },
		{ "8080:80", "0.0.0.0:8080:80", true },
		{ "8080:80", "192.0.2.1:8080:80", false },
		{ "8080:80", "[::]:8080:80", false },
		{ "8000-8099:8000-8099", "8099:80", true },
		{ "8000-8099:8000-8099", "8100:80", false },
		{ "80", "80", false }, /* both are chosen later */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct portmap a, b;

		assert_int_equal(portmap_parse(cases[i].a, &a), 0);
		assert_int_equal(portmap_parse(cases[i].b, &b), 0);
		if (portmap_clash(&a, &b) != cases[i].clash ||
		    portmap_clash(&b, &a) != cases[i].clash)
			fail_msg("%s %s", cases[i].a, cases[i].b);
	}
}

static void rules_are_read_and_written(void **state)
{
	static const char *const good[][2] = {
		{ "out:any", "out:any" },
		{ "in:tcp:any:443,80", "in:tcp:any:80,443" },
		{ "out:udp:10.1.2.3/8", "out:udp:10.0.0.0/8" },
		{ "out:10.1.2.3/32:1-3,4,2", "out:10.1.2.3:1-4" },
		{ "in:[fd00::5]:8000-8099", "in:[fd00::5]:8000-8099" },
		{ "out:tcp:[fd00::/8]", "out:tcp:[fd00::/8]" },
		{ "in:box:web-1:80", "in:box:web-1:80" },
		{ "out:net:back", "out:net:back" },
		{ "out:icmp:internet", "out:icmp:internet" },
		{ "out:host:53", "out:host:53" },
		{ "out:udp:dns", "out:udp:dns" },
		{ "in:any:65535", "in:any:65535" },
	};
	static const char *const bad[] = {
		"",
		"any",
		"out",
		"out:",
		"out:nosuch",
		"out:tcp",
		"out:any:0",
		"out:any:65536",
		"out:any:80-79",
		"out:any:",
		"out:any:80:81",
		"out:any:x",
		"out:fd00::1",
		"out:[10.0.0.1]",
		"out:[fd00::1",
		"out:[fd00::1]x",
		"out:box:",
		"out:box:Web",
		"out:box:-a",
		"in:dns",
		"out:icmp:any:1",
		"out:dns:53",
		"out:icmp:dns",
		"up:any",
		"out:tcp:udp:any",
		"out:10.0.0.0/33",
		"out:any:1,2,",
		"out:any:1-2-3",
		"out:any:1,,2",
	};
	char text[NETRULE_TEXT_MAX];
	struct netrule r, again;
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (netrule_parse(good[i][0], i % 2, &r, &why) < 0)
			fail_msg("%s: %s", good[i][0], why);
		netrule_print(&r, text);
		assert_string_equal(strchr(text, ' ') + 1, good[i][1]);
		assert_int_equal(str_starts(text, "allow "), i % 2);
		assert_int_equal(netrule_read(text, &again), 0);
		assert_memory_equal(&r, &again, sizeof(r));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (netrule_parse(bad[i], true, &r, &why) != -EINVAL || !why)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void add_span(struct spans *s, const char *text)
{
	struct ip_net n = net(text);

	spans_add_net(s, &n);
}

static void print_spans(const struct spans *s, char out[512])
{
	char first[IP_TEXT_MAX], last[IP_TEXT_MAX];

	out[0] = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct ip a = { .family = s->len == 4 ? AF_INET : AF_INET6 }, b = a;

		memcpy(a.bytes, s->items[i].first, s->len);
		memcpy(b.bytes, s->items[i].last, s->len);
		snprintf(out + strlen(out), 512 - strlen(out), "%s%s-%s", i ? " " : "",
			 ip_print(&a, first), ip_print(&b, last));
	}
}

static void stretches_are_joined_and_cut(void **state)
{
	struct spans s = { .len = 4 }, holes = { .len = 4 }, six = { .len = 16 };
	char text[512];

	(void)state;
	add_span(&s, "10.0.1.0/24");
	add_span(&s, "10.0.0.0/24"); /* touches it */
	add_span(&s, "10.0.0.7/32"); /* within */
	add_span(&s, "10.0.4.0/24");
	add_span(&s, "255.255.255.0/24");
	spans_tidy(&s);
	print_spans(&s, text);
	assert_string_equal(text, "10.0.0.0-10.0.1.255 10.0.4.0-10.0.4.255 "
				  "255.255.255.0-255.255.255.255");
	add_span(&holes, "10.0.0.0/32");
	add_span(&holes, "10.0.1.255/32");
	add_span(&holes, "10.0.0.128/25");
	add_span(&holes, "10.0.4.0/22");
	add_span(&holes, "255.255.255.255/32");
	spans_tidy(&holes);
	spans_without(&s, &holes);
	print_spans(&s, text);
	assert_string_equal(text, "10.0.0.1-10.0.0.127 10.0.1.0-10.0.1.254 "
				  "255.255.255.0-255.255.255.254");
	add_span(&six, "::/0");
	add_span(&six, "fd00::1");
	spans_tidy(&six);
	print_spans(&six, text);
	assert_string_equal(text, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	spans_without(&six, &six);
	assert_int_equal(six.n, 0);
	assert_false(s.failed || holes.failed || six.failed);
	spans_done(&s);
	spans_done(&holes);
	spans_done(&six);
}

static void the_lowest_free_number_is_chosen(void **state)
{
	struct lease used[] = { { .number = 2 }, { .number = 3 }, { .number = 5 } };
	leases all = { used, ARRAY_SIZE(used) };
	struct network n = { .subnet = { net("10.0.0.0/29") } };
	uint32_t number = 0;

	(void)state;
	assert_int_equal(lease_choose(&n, &all, 0, &number), 0);
	assert_int_equal(number, 4);
	assert_int_equal(lease_choose(&n, &all, 6, &number), 0);
	assert_int_equal(number, 6);
	assert_int_equal(lease_choose(&n, &all, 5, &number), -EADDRINUSE);
	assert_int_equal(lease_choose(&n, &all, 1, &number), -ERANGE); /* the gateway's */
	assert_int_equal(lease_choose(&n, &all, 7, &number), -ERANGE); /* the broadcast address */
	used[0].number = 4;
	used[2].number = 6;
	assert_int_equal(lease_choose(&n, &all, 0, &number), 0);
	assert_int_equal(number, 2);
	all.n = 1;
	used[0].number = 5;
	n.subnet[0] = net("10.0.0.0/8"); /* more than there are numbers */
	assert_int_equal(lease_choose(&n, &all, 0, &number), 0);
}

static void names_of_leases_and_networks(void **state)
{
	static const char *const bad[] = { "lease-", "lease-1-2-3", "lease-1-2-3-4x",
					   "lease-1-2--3-4", "1-2-3-4" };
	struct lease l;

	(void)state;
	assert_true(lease_from_name("lease-7-effffffc-123-456", &l));
	assert_int_equal(l.number, 7);
	assert_int_equal(l.pid_ns, 0xeffffffc);
	assert_int_equal(l.pid, 123);
	assert_int_equal(l.start, 456);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (lease_from_name(bad[i], &l))
			fail_msg("%s", bad[i]);
	assert_true(network_name_valid("web-1_a"));
	assert_false(network_name_valid(""));
	assert_false(network_name_valid("-a"));
	assert_false(network_name_valid("a/b"));
	assert_false(network_name_valid(".."));
	assert_false(network_name_valid("Web"));
	assert_false(network_name_valid("ports"));
	assert_false(network_name_valid("a23456789012345678901234567890123"));
}

/* Who has rights over the network namespace may write to any port in it; the kernel's words alone
 * count. */
static void hears_the_kernel_alone(void **state)
{
	_cleanup_fd_ int other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct nlmsghdr forged = { .nlmsg_len = NLMSG_LENGTH(0), .nlmsg_type = NLMSG_DONE };
	struct sockaddr_nl its = { 0 };
	socklen_t len = sizeof(its);
	struct net_socket s;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(net_socket_open(&s), 0);
	assert_int_equal(getsockname(s.fd, (struct sockaddr *)&its, &len), 0);
	assert_int_not_equal(its.nl_pid, 0);
	assert_int_equal(
		sendto(other, &forged, forged.nlmsg_len, 0, (struct sockaddr *)&its, sizeof(its)),
		-1);
	assert_int_equal(errno, ECONNREFUSED);
	net_socket_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(hardware_addresses),
		cmocka_unit_test(addresses_are_counted),
		cmocka_unit_test(networks_overlap_or_not),
		cmocka_unit_test(ports_are_read_and_written),
		cmocka_unit_test(ports_clash_or_not),
		cmocka_unit_test(rules_are_read_and_written),
		cmocka_unit_test(stretches_are_joined_and_cut),
		cmocka_unit_test(the_lowest_free_number_is_chosen),
		cmocka_unit_test(hears_the_kernel_alone),
		cmocka_unit_test(names_of_leases_and_networks),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
