/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns map: the picture, as a page, a drawing, a graph, or the data of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macro.h"
#include "look/look.h"

/* ---- the page: cli/look/map.html, which is part of the program ---- */

/*
 * In the page the data stands in a script element, which `</script>` in a process's name would end,
 * and `<!--` confuse. Outside of strings JSON has no '<', so that it can be written as \u003c.
 */
static void put_data(FILE *f, const char *json)
{
	for (; *json; json++)
		if (*json == '<' || *json == '>' || *json == '&')
			fprintf(f, "\\u%04x", (unsigned char)*json);
		else
			putc(*json, f);
}

static const char *find_placeholder(const char *at, const char *end)
{
	while (at < end && strncmp(at, "@NONCE@", 7) != 0 && strncmp(at, "@DATA@", 6) != 0)
		at++;
	return at;
}

static int put_page(FILE *f, const char *json)
{
	const char *at = map_html, *end = map_html_end;
	unsigned char random[16];
	char nonce[2 * sizeof(random) + 1];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(nonce + 2 * i, 3, "%02x", random[i]);
	while (at < end) {
		const char *to = find_placeholder(at, end);

		fwrite(at, 1, (size_t)(to - at), f);
		if (to == end)
			break;
		if (to[1] == 'N')
			fputs(nonce, f);
		else
			put_data(f, json);
		at = to + (to[1] == 'N' ? strlen("@NONCE@") : strlen("@DATA@"));
	}
	return 0;
}

static int put_json(FILE *f, struct holm_world *w, bool page)
{
	struct jsonout j = { .compact = true };
	_cleanup_free_ char *text = NULL;

	ns_json_world(&j, w);
	text = buf_take(&j.buf);
	if (!text)
		return -ENOMEM;
	if (page)
		return put_page(f, text);
	fprintf(f, "%s\n", text);
	return 0;
}

static int put_html_file(FILE *f, struct holm_world *w)
{
	return put_json(f, w, true);
}

static int put_json_file(FILE *f, struct holm_world *w)
{
	return put_json(f, w, false);
}

/* ---- graphviz ---- */

static void put_dot_text(FILE *f, const char *s)
{
	char text[200];

	for (s = ns_clean(s, text, sizeof(text)); *s; s++)
		fprintf(f, strchr("\"\\", *s) ? "\\%c" : "%c", *s);
}

static void put_dot_node(FILE *f, const struct holm_ns *n)
{
	static const char *const colours[] = {
		[HOLM_NS_USER] = "#8a5a9e", [HOLM_NS_PID] = "#1f6f78", [HOLM_NS_NET] = "#2f62b0"
	};
	char label[NS_LABEL_MAX];

	fprintf(f, "\tn%llu [color=\"%s\", label=\"%s", (unsigned long long)n->inode,
		colours[n->type], ns_label(n->type, n->inode, label));
	if (*n->name) {
		fputs("\\n", f);
		put_dot_text(f, n->name);
	}
	fprintf(f, "\\n%u process%s", n->processes, n->processes == 1 ? "" : "es");
	if (n->pid) {
		fprintf(f, "\\n%d ", n->pid);
		put_dot_text(f, n->command);
	}
	fputs("\"];\n", f);
}

static void put_dot_edges(FILE *f, const struct holm_ns *n)
{
	unsigned long long own = n->inode;

	if (n->parent)
		fprintf(f, "\tn%llu -> n%llu;\n", (unsigned long long)n->parent, own);
	else if (n->owner)
		fprintf(f, "\tn%llu -> n%llu [style=dashed];\n", (unsigned long long)n->owner, own);
}

/* Parents by arrows, owners by dashed ones, pairs by lines. */
static int put_dot(FILE *f, struct holm_world *w)
{
	struct holm_link l, other;
	struct holm_ns n;

	fputs("digraph namespaces {\n\trankdir=LR;\n\tnode [shape=box, style=rounded, "
	      "fontname=\"sans-serif\"];\n\tedge [color=\"#6b7077\"];\n",
	      f);
	for (size_t i = 0; holm_world_ns(w, i, &n) == 0; i++) {
		if (n.type != HOLM_NS_USER && n.type != HOLM_NS_PID && n.type != HOLM_NS_NET)
			continue;
		put_dot_node(f, &n);
		put_dot_edges(f, &n);
	}
	for (size_t i = 0; holm_world_link(w, i, &l) == 0; i++)
		for (size_t k = i + 1; l.peer_ns && holm_world_link(w, k, &other) == 0; k++) {
			if (other.ns != l.peer_ns || other.index != l.peer_index ||
			    other.peer_ns != l.ns || other.peer_index != l.index)
				continue;
			fprintf(f, "\tn%llu -> n%llu [dir=none, color=\"#2f62b0\", taillabel=\"",
				(unsigned long long)l.ns, (unsigned long long)other.ns);
			put_dot_text(f, l.name);
			fputs("\", headlabel=\"", f);
			put_dot_text(f, other.name);
			fputs("\"];\n", f);
		}
	fputs("}\n", f);
	return 0;
}

/* ---- the word ---- */

static const struct {
	const char *name;
	int (*put)(FILE *f, struct holm_world *w);
} forms[] = {
	{ "html", put_html_file },
	{ "svg", ns_put_svg },
	{ "dot", put_dot },
	{ "json", put_json_file },
};

static int write_form(struct holm_world *w, size_t form, const char *path)
{
	bool out = str_eq(path, "-");
	_cleanup_file_ FILE *f = out ? fdopen(dup(1), "we") : fopen(path, "we");
	int r;

	if (!f)
		return out_error("ns map: %s: %s", path, err_words(errno));
	r = forms[form].put(f, w);
	if (r == 0 && (fflush(f) != 0 || ferror(f)))
		r = -errno;
	return r < 0 ? out_error("ns map: write %s: %s", out ? "standard output" : path,
				 err_words(-r))
		     : 0;
}

int ns_map(int argc, char **argv)
{
	_cleanup_ns_world_ struct holm_world *world = NULL;
	const char *paths[ARRAY_SIZE(forms)] = { NULL };
	struct ns_option options[ARRAY_SIZE(forms)];
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(forms) };
	bool any = false;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		options[i] = (struct ns_option){ forms[i].name, NULL, &paths[i] };
	r = ns_parse(&a, argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		any |= paths[i] != NULL;
	if (r == 0 && (!any || a.n_plain))
		r = out_error("ns map: needs --html, --svg, --dot or --json, and a FILE (- is "
			      "standard output)");
	if (r == 0)
		r = ns_world(HOLM_WORLD_HELD | HOLM_WORLD_COMMANDS | HOLM_WORLD_LINKS, &world);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(forms); i++)
		if (paths[i])
			r = write_form(world, i, paths[i]);
	if (r == 0)
		ns_say_unseen(world);
	return r;
}
