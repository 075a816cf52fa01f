/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture as a drawing: on the left user and pid namespaces within each other, on the right
 * network namespaces with their interfaces, and a line for each pair. Everything stands below
 * something else, so that nothing can overlap.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "look/look.h"

#define LINE     16
#define PAD      8
#define FEW      5
#define LEFT     16
#define TREE     520 /* width of the left half */
#define GAP      150 /* for the lines */
#define CARD     360
#define LINK_MAX 4096

struct box {
	struct holm_ns n;
	size_t parent; /* index; its own: it is outermost */
	unsigned depth, lines;
	int y, height, fill; /* fill: how far what is in it goes */
};

struct drawing {
	struct holm_world *world;
	FILE *f;
	struct box *boxes;
	size_t n;
	int y;
};

static void put_text(FILE *f, const char *s, size_t room)
{
	char text[160];

	for (s = ns_clean(s, text, MIN(sizeof(text), room)); *s; s++)
		if (strchr("<>&\"", *s))
			fprintf(f, "&#%d;", *s);
		else
			putc(*s, f);
}

/* A character is 7 wide, more or less; what does not fit into `width` is cut. */
static void text_at(const struct drawing *d, int x, int y, int width, const char *class,
		    const char *s)
{
	fprintf(d->f, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	put_text(d->f, s, (size_t)MAX(width, 56) / 7);
	fputs("</text>\n", d->f);
}

/* ---- the left half ---- */

static unsigned count_lines(const struct holm_ns *n)
{
	return n->processes > FEW + 1 ? FEW + 1 : n->processes;
}

/* In the order in which they are drawn: each behind the one that it is in. */
static int collect(struct drawing *d, enum holm_ns_type type)
{
	struct holm_ns n;
	size_t first = d->n;

	for (size_t i = 0; holm_world_ns(d->world, i, &n) == 0; i++)
		if (n.type == type)
			d->boxes[d->n++] = (struct box){ .n = n, .lines = count_lines(&n) };
	for (size_t i = first; i < d->n; i++) {
		struct box *b = &d->boxes[i];

		b->parent = i;
		for (size_t k = first; k < d->n; k++)
			if (b->n.parent && d->boxes[k].n.inode == b->n.parent)
				b->parent = k;
	}
	for (size_t i = first; i < d->n; i++)
		for (size_t at = i; d->boxes[at].parent != at && d->boxes[i].depth < 40;
		     at = d->boxes[at].parent)
			d->boxes[i].depth++;
	return 0;
}

/* What is deep is measured first. */
static void measure(struct drawing *d)
{
	for (unsigned depth = 41; depth-- > 0;)
		for (size_t i = 0; i < d->n; i++) {
			struct box *b = &d->boxes[i];

			if (b->depth != depth)
				continue;
			b->height += (int)(1 + b->lines) * LINE + 2 * PAD;
			if (b->parent != i)
				d->boxes[b->parent].height += b->height + PAD;
		}
}

static void place(struct drawing *d)
{
	for (unsigned depth = 0; depth < 41; depth++)
		for (size_t i = 0; i < d->n; i++) {
			struct box *b = &d->boxes[i], *in = &d->boxes[b->parent];

			if (b->depth != depth)
				continue;
			b->y = b->parent == i ? d->y : in->y + in->fill;
			if (b->parent == i)
				d->y += b->height + PAD;
			else
				in->fill += b->height + PAD;
			b->fill = (int)(1 + b->lines) * LINE + 2 * PAD;
		}
}

static int box_width(const struct box *b)
{
	return TREE - (int)b->depth * 4 * PAD;
}

static void put_processes(const struct drawing *d, const struct box *b, int x)
{
	unsigned shown = 0;
	struct holm_process p;
	char text[200];

	for (size_t i = 0; holm_world_process(d->world, i, &p) == 0 && shown < b->lines; i++) {
		if (p.ns[b->n.type] != b->n.inode || p.tid ||
		    (b->n.processes > FEW + 1 && p.parent == 2)) /* the kernel's are many */
			continue;
		if (shown + 1 == b->lines && b->n.processes > FEW + 1)
			snprintf(text, sizeof(text), "and %u more", b->n.processes - FEW);
		else
			snprintf(text, sizeof(text), "%d  %.60s", p.pid,
				 *p.command ? p.command : p.name);
		text_at(d, x, b->y + PAD + (int)(2 + shown) * LINE - 4, box_width(b) - 2 * PAD, "p",
			text);
		shown++;
	}
}

static void put_box(const struct drawing *d, const struct box *b)
{
	int x = LEFT + (int)b->depth * 2 * PAD;
	char label[NS_LABEL_MAX], text[300];

	fprintf(d->f,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\" class=\"%s %s\"/>\n",
		x, b->y, box_width(b), b->height, holm_ns_type_name(b->n.type),
		b->depth % 2 ? "odd" : "even");
	snprintf(text, sizeof(text), "%s  %s%s", ns_label(b->n.type, b->n.inode, label), b->n.name,
		 b->n.processes ? "" : "  (nobody is in it)");
	text_at(d, x + PAD, b->y + PAD + LINE - 4, box_width(b), "t", text);
	put_processes(d, b, x + PAD);
}

/* ---- the right half ---- */

struct port {
	uint64_t ns;
	int index, y;
};

struct ports {
	struct port *items;
	size_t n;
};

static void put_card(const struct drawing *d, struct ports *ports, const struct holm_ns *n, int *y)
{
	int x = LEFT + TREE + GAP, top = *y, at = top + PAD + LINE;
	char label[NS_LABEL_MAX], text[400];
	struct holm_link l;

	snprintf(text, sizeof(text), "%s  %s", ns_label(n->type, n->inode, label), n->name);
	text_at(d, x + PAD, at - 4, CARD, "t", text);
	for (size_t i = 0; holm_world_link(d->world, i, &l) == 0; i++) {
		if (l.ns != n->inode || ports->n == LINK_MAX)
			continue;
		at += LINE;
		snprintf(text, sizeof(text), "%s%s  %s  %s", l.master ? "    " : "", l.name, l.kind,
			 l.addresses[0] ? l.addresses[0] : "");
		text_at(d, x + PAD, at - 4, CARD, "p", text);
		ports->items[ports->n++] = (struct port){ l.ns, l.index, at - 8 };
	}
	fprintf(d->f,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\" class=\"net "
		"line\"/>\n",
		x, top, CARD, at + PAD - top);
	*y = at + 2 * PAD;
}

static const struct port *find_port(const struct ports *ports, uint64_t ns, int index)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->items[i].ns == ns && ports->items[i].index == index)
			return &ports->items[i];
	return NULL;
}

/* Each pair once, on the left of the cards; the longer, the further out. */
static void put_wires(const struct drawing *d, const struct ports *ports)
{
	int x = LEFT + TREE + GAP;
	struct holm_link l;

	for (size_t i = 0; holm_world_link(d->world, i, &l) == 0; i++) {
		const struct port *a = find_port(ports, l.ns, l.index);
		const struct port *b = find_port(ports, l.peer_ns, l.peer_index);
		int out;

		if (!a || !b || a >= b)
			continue;
		out = MIN(GAP - 16, 24 + (b->y - a->y) / 4);
		fprintf(d->f, "<path d=\"M%d %d C%d %d %d %d %d %d\" class=\"wire\"/>\n",
			x + PAD - 2, a->y, x - out, a->y, x - out, b->y, x + PAD - 2, b->y);
	}
}

static const char style[] =
	"<style>\n"
	"svg { background: #f6f5f2; font: 12px system-ui, \"DejaVu Sans\", sans-serif; }\n"
	"rect { stroke: #dcd9d2; } .even { fill: #eef1f1; } .odd { fill: #fffefb; } .line { fill: "
	"none; }\n"
	".t { font-weight: 600; fill: #22252a; } .p { fill: #4b5057; white-space: pre; }\n"
	".wire { fill: none; stroke: #2f62b0; stroke-width: 1.4; opacity: .7; }\n"
	"</style>\n";

static void drawing_done(const struct drawing *d)
{
	free(d->boxes);
}

static void ports_done(const struct ports *p)
{
	free(p->items);
}

static int allocate(struct drawing *d, struct ports *ports)
{
	struct holm_world_sum sum;

	holm_world_sum(d->world, &sum);
	d->boxes = calloc(sum.namespaces + 1, sizeof(*d->boxes));
	ports->items = calloc(LINK_MAX, sizeof(*ports->items));
	return d->boxes && ports->items ? 0 : -ENOMEM;
}

static int card_height(const struct drawing *d)
{
	struct holm_world_sum sum;
	struct holm_ns n;
	int y = 0;

	holm_world_sum(d->world, &sum);
	for (size_t i = 0; holm_world_ns(d->world, i, &n) == 0; i++)
		y += n.type == HOLM_NS_NET ? LINE + 3 * PAD : 0;
	return y + (int)sum.links * LINE;
}

int ns_put_svg(FILE *f, struct holm_world *w)
{
	_cleanup_(drawing_done) struct drawing d = { .world = w, .f = f, .y = LEFT };
	_cleanup_(ports_done) struct ports ports = { 0 };
	int r = allocate(&d, &ports), y = LEFT;
	struct holm_ns n;

	if (r < 0)
		return r;
	collect(&d, HOLM_NS_USER);
	collect(&d, HOLM_NS_PID);
	measure(&d);
	place(&d);
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n%s",
		2 * LEFT + TREE + GAP + CARD, LEFT + MAX(d.y, LEFT + card_height(&d)), style);
	for (unsigned depth = 0; depth < 41; depth++)
		for (size_t i = 0; i < d.n; i++)
			if (d.boxes[i].depth == depth)
				put_box(&d, &d.boxes[i]);
	for (size_t i = 0; holm_world_ns(w, i, &n) == 0; i++)
		if (n.type == HOLM_NS_NET)
			put_card(&d, &ports, &n, &y);
	put_wires(&d, &ports);
	fputs("</svg>\n", f);
	return 0;
}
