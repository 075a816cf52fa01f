/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of command lines that engines write: --name value, --name=value, -name value (as Go's
 * programs take it), -n value, -nvalue, -abc (several letters).
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct words {
	const struct oci_options *table;
	struct arena *a;
	int argc, at;
	char **argv;
	char *out; /* the struct that is filled */
	bool *help;
	struct err *e;
};

static bool takes_value(const struct oci_option *o)
{
	return o->value != OCI_FLAG && o->value != OCI_NO_FLAG;
}

static int bad(const struct words *w, const struct oci_option *o, const char *value)
{
	return err_set(w->e, EINVAL, "--%s: \"%.128s\" is not %s", o->name, value,
		       o->value == OCI_FLAG       ? "true or false"
		       : o->value == OCI_SIZE     ? "a size like 64m, or -1"
		       : o->value == OCI_DURATION ? "a duration like 5s"
						  : "a number");
}

static int number(const char *s, int64_t *out)
{
	uint64_t v;
	int r;

	if (str_eq(s, "-1")) {
		*out = -1;
		return 0;
	}
	r = str_u64(s, INT64_MAX, &v);
	if (r == 0)
		*out = (int64_t)v;
	return r;
}

/* "64m", "64mb", "64MiB": powers of 1024 all of them. */
static int size(const char *s, int64_t *out)
{
	char head[32];
	uint64_t v;
	size_t len = strlen(s);
	int r;

	if (number(s, out) == 0)
		return 0;
	if (len >= sizeof(head))
		return -EINVAL;
	memcpy(head, s, len + 1);
	if (len > 1 && (head[len - 1] == 'b' || head[len - 1] == 'B'))
		head[--len] = 0;
	if (len > 2 && head[len - 1] == 'i')
		head[--len] = 0;
	r = str_size(head, &v);
	if (r == 0)
		*out = (int64_t)v;
	return r;
}

static int add(const struct words *w, strings *list, const char *value)
{
	const char **slot = arena_push(w->a, &list->items, &list->n, sizeof(*slot));

	if (!slot)
		return err_errno(w->e, ENOMEM, "options");
	*slot = value;
	return 0;
}

static int set(const struct words *w, const struct oci_option *o, const char *value)
{
	void *to = w->out + o->offset;
	int r = 0;

	switch (o->value) {
	case OCI_FLAG:
		r = str_bool(value, to);
		break;
	case OCI_TEXT:
		*(const char **)to = value;
		break;
	case OCI_LIST:
		return add(w, to, value);
	case OCI_COUNT:
		r = str_u32(value, to);
		break;
	case OCI_NUMBER:
		r = number(value, to);
		break;
	case OCI_SIZE:
		r = size(value, to);
		break;
	case OCI_DURATION:
		r = str_duration(value, to);
		break;
	case OCI_NO_FLAG:
	case OCI_NO_TEXT:
		break;
	}
	return r < 0 ? bad(w, o, value) : 0;
}

static const struct oci_option *by_name(const struct words *w, const char *name, size_t len)
{
	for (size_t i = 0; i < w->table->n; i++) {
		const struct oci_option *o = &w->table->rows[i];

		if (strncmp(o->name, name, len) == 0 && !o->name[len])
			return o;
	}
	return NULL;
}

static const struct oci_option *by_letter(const struct words *w, char letter)
{
	for (size_t i = 0; i < w->table->n; i++)
		if (w->table->rows[i].letter == letter)
			return &w->table->rows[i];
	return NULL;
}

/* `attached` is the value that stands in the same word, or NULL. */
static int take(struct words *w, const struct oci_option *o, const char *attached)
{
	if (!takes_value(o))
		return set(w, o, attached ? attached : "true");
	if (attached)
		return set(w, o, attached);
	if (w->at + 1 >= w->argc)
		return err_set(w->e, EINVAL, "--%s needs a value: %s", o->name, o->arg);
	return set(w, o, w->argv[++w->at]);
}

/* -t, -dt, -b DIR, -bDIR, -b=DIR */
static int take_letters(struct words *w, const char *letters, const char *word)
{
	for (; *letters; letters++) {
		const struct oci_option *o = by_letter(w, *letters);

		if (*letters == 'h' && !o) {
			*w->help = true;
			continue;
		}
		if (!o)
			return err_set(w->e, EINVAL, "there is no option %.64s", word);
		if (letters[1] == '=')
			return take(w, o, letters + 2);
		if (takes_value(o))
			return take(w, o, letters[1] ? letters + 1 : NULL);
		if (take(w, o, NULL) < 0)
			return -EINVAL;
	}
	return 0;
}

static int take_word(struct words *w, const char *word)
{
	const char *name = word + 1 + (word[1] == '-');
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct oci_option *o = by_name(w, name, len);

	if (o)
		return take(w, o, equals ? equals + 1 : NULL);
	if (str_eq(name, "help")) {
		*w->help = true;
		return 0;
	}
	if (word[1] == '-')
		return err_set(w->e, EINVAL, "there is no option %.64s", word);
	return take_letters(w, name, word);
}

int options_parse(const struct oci_options *table, struct arena *a, int argc, char **argv,
		  void *out, bool *help, struct err *e)
{
	struct words w = { table, a, argc, 1, argv, out, help, e };

	if (table->init)
		memcpy(out, table->init, table->size);
	else
		memset(out, 0, table->size);
	for (; w.at < argc; w.at++) {
		const char *word = argv[w.at];
		int r;

		if (word[0] != '-' || !word[1])
			break;
		if (str_eq(word, "--"))
			return w.at + 1;
		r = take_word(&w, word);
		if (r < 0)
			return r;
	}
	return w.at;
}

void options_help(const struct oci_options *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct oci_option *o = &table->rows[i];
		char left[64];
		int n = o->letter ? snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name)
				  : snprintf(left, sizeof(left), "      --%s", o->name);

		if (o->arg)
			snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->arg);
		if (strlen(left) < 34)
			printf("%-34s %s\n", left, o->help);
		else
			printf("%s\n%-34s %s\n", left, "", o->help);
	}
	puts("  -h, --help                       this text");
}

int options_format(const char *command, const char *format, struct err *e)
{
	if (!format || str_eq(format, "json") || str_eq(format, "table"))
		return 0;
	return err_set(e, EINVAL, "%s: --format: \"%.32s\" is not table or json", command, format);
}
