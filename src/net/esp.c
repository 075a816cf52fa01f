/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/esp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/netlink.h"

#define CIPHER   "rfc4106(gcm(aes))"
#define ICV_BITS 128
#define WINDOW   256U /* packets that may come out of order */
#define PRIORITY 1000

int esp_open(struct net_socket *out)
{
	return net_socket_open_for(out, NETLINK_XFRM);
}

static xfrm_address_t address_of(const struct ip *ip)
{
	xfrm_address_t a = { 0 };

	memcpy(&a, ip->bytes, ip_len(ip));
	return a;
}

static const struct xfrm_lifetime_cfg for_ever = { XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF };

static struct xfrm_selector selector_of(const struct esp_way *w)
{
	uint8_t bits = (uint8_t)(8 * ip_len(&w->to));

	return (struct xfrm_selector){ .daddr = address_of(&w->to),
				       .saddr = address_of(&w->from),
				       .dport = htons(w->port),
				       .dport_mask = 0xffff,
				       .family = w->to.family,
				       .prefixlen_d = bits,
				       .prefixlen_s = bits,
				       .proto = IPPROTO_UDP };
}

/* ---- policies ---- */

int esp_put_policy(struct net_socket *s, const struct esp_way *w, bool out)
{
	struct xfrm_userpolicy_info policy = { .sel = selector_of(w),
					       .lft = for_ever,
					       .priority = PRIORITY,
					       .dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN,
					       .action = XFRM_POLICY_ALLOW };
	struct xfrm_user_tmpl tmpl = { .id = { .daddr = address_of(&w->to), .proto = IPPROTO_ESP },
				       .family = w->to.family,
				       .saddr = address_of(&w->from),
				       .reqid = w->id,
				       .mode = XFRM_MODE_TRANSPORT,
				       .aalgos = UINT32_MAX,
				       .ealgos = UINT32_MAX,
				       .calgos = UINT32_MAX };
	struct nl_request q;

	nl_begin(&q, XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL, &policy, sizeof(policy));
	nl_put(&q, XFRMA_TMPL, &tmpl, sizeof(tmpl));
	return nl_ask(s, &q, NULL, NULL);
}

static int about_policy(struct net_socket *s, const struct esp_way *w, bool out, uint16_t type,
			nl_answer *fn, void *arg)
{
	struct xfrm_userpolicy_id id = { .sel = selector_of(w),
					 .dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN };
	struct nl_request q;

	nl_begin(&q, type, 0, &id, sizeof(id));
	return nl_ask(s, &q, fn, arg);
}

int esp_remove_policy(struct net_socket *s, const struct esp_way *w, bool out)
{
	return about_policy(s, w, out, XFRM_MSG_DELPOLICY, NULL, NULL);
}

static int take_policy(void *arg, const struct nlmsghdr *answer)
{
	const struct esp_way *w = arg;
	struct xfrm_user_tmpl tmpl;
	size_t len;
	const void *found = nl_find(answer, sizeof(struct xfrm_userpolicy_info), XFRMA_TMPL, &len);

	if (!found || len != sizeof(tmpl))
		return -ESRCH;
	memcpy(&tmpl, found, sizeof(tmpl));
	return tmpl.reqid == w->id && tmpl.id.proto == IPPROTO_ESP && !tmpl.optional ? 0 : -ESRCH;
}

int esp_has_policy(struct net_socket *s, const struct esp_way *w, bool out)
{
	int r = about_policy(s, w, out, XFRM_MSG_GETPOLICY, take_policy, (void *)w);

	return r == 0 ? 1 : r == -ENOENT || r == -ESRCH ? 0 : r;
}

/* ---- states ---- */

struct key {
	struct xfrm_algo_aead head;
	uint8_t bytes[ESP_KEY_LEN];
};

struct replay {
	struct xfrm_replay_state_esn head;
	uint32_t bits[WINDOW / 32];
};

int esp_put_state(struct net_socket *s, const struct esp_way *w, uint32_t spi,
		  const uint8_t key[ESP_KEY_LEN])
{
	struct xfrm_usersa_info state = {
		.sel = { .family = w->to.family },
		.id = { .daddr = address_of(&w->to), .spi = htonl(spi), .proto = IPPROTO_ESP },
		.saddr = address_of(&w->from),
		.lft = for_ever,
		.reqid = w->id,
		.family = w->to.family,
		.mode = XFRM_MODE_TRANSPORT,
		.flags = XFRM_STATE_ESN
	};
	struct key k = { .head = { .alg_name = CIPHER,
				   .alg_key_len = 8 * ESP_KEY_LEN,
				   .alg_icv_len = ICV_BITS } };
	struct replay window = { .head = { .bmp_len = WINDOW / 32, .replay_window = WINDOW } };
	struct nl_request q;

	memcpy(k.bytes, key, ESP_KEY_LEN);
	nl_begin(&q, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &state, sizeof(state));
	nl_put(&q, XFRMA_ALG_AEAD, &k, sizeof(k));
	nl_put(&q, XFRMA_REPLAY_ESN_VAL, &window, sizeof(window));
	return nl_ask(s, &q, NULL, NULL);
}

int esp_remove_state(struct net_socket *s, const struct ip *to, uint32_t spi)
{
	struct xfrm_usersa_id id = { .daddr = address_of(to),
				     .spi = htonl(spi),
				     .family = to->family,
				     .proto = IPPROTO_ESP };
	struct nl_request q;

	nl_begin(&q, XFRM_MSG_DELSA, 0, &id, sizeof(id));
	return nl_ask(s, &q, NULL, NULL);
}

struct walk {
	uint32_t id;
	esp_state_fn *fn;
	void *arg;
};

static int take_state(void *arg, const struct nlmsghdr *answer)
{
	const struct xfrm_usersa_info *state = NLMSG_DATA(answer);
	const struct walk *w = arg;
	struct ip to = { .family = (uint8_t)state->family };

	if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(*state)) || state->reqid != w->id ||
	    state->id.proto != IPPROTO_ESP)
		return 0;
	memcpy(to.bytes, &state->id.daddr, ip_len(&to));
	return w->fn(w->arg, &to, ntohl(state->id.spi));
}

int esp_states(struct net_socket *s, uint32_t id, esp_state_fn *fn, void *arg)
{
	struct xfrm_usersa_id part = { .family = 0 };
	struct walk w = { id, fn, arg };
	struct nl_request q;

	nl_begin(&q, XFRM_MSG_GETSA, NLM_F_DUMP, &part, sizeof(part));
	return nl_ask(s, &q, take_state, &w);
}
