/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cgroup as text: `mark MARK`, if it has one, then `LAYOUT v1|v2 CONTROLLERS MADE PATH`, a line
 * for each tree, numbers decimal. A path holds no newline (cg_create() refuses it). Who opens one
 * needs to ask the kernel nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cg/driver.h"

char *cg_save(const struct cg *cg)
{
	struct buf out = { 0 };

	if (cg->n && *cg->mark)
		buf_printf(&out, "mark %s\n", cg->mark);
	for (size_t i = 0; i < cg->n; i++) {
		const struct cg_dir *d = &cg->dirs[i];

		buf_printf(&out, "%s %s %u %u %s\n", cg_layout_name(cg->layout),
			   d->unified ? "v2" : "v1", d->controllers, d->made, d->path);
	}
	if (cg->n == 0)
		buf_puts(&out, "none\n");
	return buf_take(&out);
}

static bool take_number(char **at, uint32_t max, unsigned *out)
{
	const char *p = *at;
	uint64_t value;

	if (str_take_u64(&p, &value) < 0 || value > max || *p != ' ')
		return false;
	*out = (unsigned)value;
	*at = (char *)p + 1;
	return true;
}

static bool take_word(char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0 || (*at)[len] != ' ')
		return false;
	*at += len + 1;
	return true;
}

static bool parse_mark(struct cg *cg, const char *mark)
{
	if (cg->n || *cg->mark || strlen(mark) != CG_MARK_SIZE - 1)
		return false;
	memcpy(cg->mark, mark, CG_MARK_SIZE);
	return true;
}

static bool parse_line(struct cg *cg, char *line)
{
	struct cg_dir *d = &cg->dirs[cg->n];

	if (take_word(&line, "mark"))
		return parse_mark(cg, line);
	if (cg->n == CG_TREES_MAX)
		return false;
	*d = (struct cg_dir){ .fd = -1 };
	for (unsigned l = CG_V1; l <= CG_V2; l++) {
		if (!take_word(&line, cg_layout_name(l)))
			continue;
		if (cg->n && cg->layout != l)
			return false;
		cg->layout = l;
		break;
	}
	d->unified = take_word(&line, "v2");
	if ((!d->unified && !take_word(&line, "v1")) ||
	    !take_number(&line, CG_BIT(CG_CONTROLLERS) - 1, &d->controllers) ||
	    !take_number(&line, 4096, &d->made) || *line != '/')
		return false;
	d->path = line;
	cg->n++;
	return true;
}

int cg_open(struct cg *cg, const char *saved, struct err *e)
{
	struct cg opened = { .text = strdup(saved) };
	bool good = true;
	char *next;

	if (!opened.text)
		return err_errno(e, ENOMEM, "cgroup");
	if (!str_eq(saved, "none\n")) {
		for (char *line = opened.text; good && *line; line = next) {
			char *end = line + strcspn(line, "\n");

			next = end + (*end != 0);
			*end = 0;
			good = parse_line(&opened, line);
		}
		good &= opened.n > 0;
	}
	/* These two are found by their trees, which must therefore be there. */
	if (opened.layout >= CG_HYBRID && !cg_unified(&opened))
		good = false;
	if (!good) {
		cg_done(&opened);
		return err_set(e, EINVAL, "cgroup: its saved description is damaged");
	}
	opened.ops = cg_ops_of(opened.layout);
	*cg = opened;
	return 0;
}

const char *cg_path(const struct cg *cg, enum cg_controller c)
{
	const struct cg_dir *d = cg_find((struct cg *)cg, c);

	return d ? d->path : NULL;
}

const char *cg_unified_path(const struct cg *cg)
{
	const struct cg_dir *d = cg_unified((struct cg *)cg);

	return d ? d->path : NULL;
}
