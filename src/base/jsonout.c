/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/jsonout.h"

static void begin(struct jsonout *j, const char *key)
{
	if (j->inside)
		buf_puts(&j->buf, ",");
	if (j->depth && !j->compact)
		buf_printf(&j->buf, "\n%*s", (int)j->depth * 2, "");
	j->inside = true;
	if (!key)
		return;
	buf_json(&j->buf, key);
	buf_puts(&j->buf, j->compact ? ":" : ": ");
}

void jsonout_open(struct jsonout *j, const char *key, char bracket)
{
	begin(j, key);
	buf_put(&j->buf, &bracket, 1);
	j->depth++;
	j->inside = false;
}

void jsonout_close(struct jsonout *j, char bracket)
{
	j->depth--;
	if (j->inside && !j->compact)
		buf_printf(&j->buf, "\n%*s", (int)j->depth * 2, "");
	buf_put(&j->buf, &bracket, 1);
	j->inside = true;
}

void jsonout_string(struct jsonout *j, const char *key, const char *value)
{
	begin(j, key);
	buf_json(&j->buf, value);
}

void jsonout_number(struct jsonout *j, const char *key, int64_t value)
{
	begin(j, key);
	buf_printf(&j->buf, "%lld", (long long)value);
}

void jsonout_u64(struct jsonout *j, const char *key, uint64_t value)
{
	begin(j, key);
	buf_printf(&j->buf, "%llu", (unsigned long long)value);
}

void jsonout_real(struct jsonout *j, const char *key, uint64_t hundredths)
{
	begin(j, key);
	buf_printf(&j->buf, "%llu.%02llu", (unsigned long long)hundredths / 100,
		   (unsigned long long)hundredths % 100);
}

void jsonout_bool(struct jsonout *j, const char *key, bool value)
{
	begin(j, key);
	buf_puts(&j->buf, value ? "true" : "false");
}

void jsonout_null(struct jsonout *j, const char *key)
{
	begin(j, key);
	buf_puts(&j->buf, "null");
}

void jsonout_keys(struct jsonout *j, const char *key, const keys *list)
{
	jsonout_open(j, key, '{');
	for (size_t i = 0; i < list->n; i++)
		jsonout_string(j, list->items[i].key, list->items[i].value);
	jsonout_close(j, '}');
}
