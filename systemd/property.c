/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties as text, on their way into a message. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/variant.h"
#include "helper.h"

static int append_item(sd_bus_message *m, const struct variant_item *item)
{
	const uint32_t word = (uint32_t)item->magnitude;
	const uint16_t half = (uint16_t)word;
	const uint8_t byte = (uint8_t)word;
	const int yes = item->yes;

	switch (item->type) {
	case VARIANT_ARRAY:
	case VARIANT_TUPLE:
		return sd_bus_message_open_container(m, item->type, item->text);
	case VARIANT_END:
		return sd_bus_message_close_container(m);
	case 'b':
		return sd_bus_message_append_basic(m, 'b', &yes);
	case 's':
	case 'o':
	case 'g':
		return sd_bus_message_append_basic(m, item->type, item->text);
	case 'y':
		return sd_bus_message_append_basic(m, 'y', &byte);
	case 'n':
	case 'q':
		return sd_bus_message_append_basic(m, item->type, &half);
	case 'i':
	case 'u':
		return sd_bus_message_append_basic(m, item->type, &word);
	case 'd':
		return sd_bus_message_append_basic(m, 'd', &item->real);
	default: /* x, t: the same 64 bits */
		return sd_bus_message_append_basic(m, item->type, &item->magnitude);
	}
}

static int append_value(sd_bus_message *m, const struct variant *v)
{
	int r = sd_bus_message_open_container(m, 'v', v->type);

	for (size_t i = 0; r >= 0 && i < v->items.n; i++)
		r = append_item(m, &v->items.items[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_property(struct helper *h, sd_bus_message *m, const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');
	char *name = eq ? arena_strndup(h->arena, text, (size_t)(eq - text)) : NULL;
	struct variant v;
	int r;

	if (!name)
		return err_set(e, EINVAL, "property \"%.64s\": is not NAME=VALUE", text);
	r = variant_parse(h->arena, eq + 1, &v, e);
	if (r < 0)
		return err_prefix(e, "property %s", name);
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 's', name);
	if (r >= 0)
		r = append_value(m, &v);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? err_errno(e, -r, "property %s", name) : 0;
}

int properties_append(struct helper *h, sd_bus_message *m, char **list, int pid, struct err *e)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	if (r >= 0 && pid)
		r = sd_bus_message_append(m, "(sv)", "PIDs", "au", 1, (uint32_t)pid);
	if (r < 0)
		return err_errno(e, -r, "properties");
	for (r = 0; r == 0 && *list; list++)
		r = append_property(h, m, *list, e);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(m);
	return r < 0 ? err_errno(e, -r, "properties") : 0;
}
