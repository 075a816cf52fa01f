/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "look/look.h"

static const struct ns_option *find(const struct ns_args *a, const char *name, size_t len)
{
	for (size_t i = 0; i < a->n_options; i++)
		if (strlen(a->options[i].name) == len &&
		    strncmp(a->options[i].name, name, len) == 0)
			return &a->options[i];
	return NULL;
}

/* --name, --name VALUE, --name=VALUE */
static int take_option(struct ns_args *a, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct ns_option *o = find(a, name, len);

	if (!o)
		return out_error("ns %s: there is no option --%.*s (see holm ns --help)", argv[0],
				 (int)len, name);
	if (o->flag) {
		*o->flag = true;
		return value ? out_error("ns %s: --%s takes no argument", argv[0], o->name) : 0;
	}
	if (!value && *at + 1 >= argc)
		return out_error("ns %s: --%s needs an argument", argv[0], o->name);
	*o->text = value ? value + 1 : argv[++*at];
	return 0;
}

int ns_parse(struct ns_args *a, int argc, char **argv)
{
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++) {
		if (str_starts(argv[i], "--"))
			r = take_option(a, argc, argv, &i);
		else if (argv[i][0] == '-' || a->n_plain == NS_PLAIN_MAX)
			r = out_error("ns %s: \"%s\" is too much (see holm ns --help)", argv[0],
				      argv[i]);
		else
			a->plain[a->n_plain++] = argv[i];
	}
	return r;
}
