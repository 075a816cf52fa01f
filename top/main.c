/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/process.h"
#include "top.h"

#define EXIT_HOLM 125
#define CTRL(c)   ((c)&0x1f)

struct options {
	const char *holm; /* that has started us, for `holm ns enter` */
	double delay;
	unsigned type;
};

static int fail(const char *words, const char *object)
{
	fprintf(stderr, "holm: ns top: %s%s\n", words, object);
	return EXIT_HOLM;
}

static int parse_type(const char *name, unsigned *out)
{
	for (unsigned t = 0; t < HOLM_NS_TYPES; t++)
		if (strcmp(name, holm_ns_type_name(t)) == 0)
			return (int)(*out = t, 0);
	return fail("--type is one of user mnt pid net ipc uts cgroup time, and not ", name);
}

static int parse(int argc, char **argv, struct options *o)
{
	char *end;
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!value)
			return fail("an argument is missing behind ", argv[i]);
		if (strcmp(argv[i], "--holm") == 0) {
			o->holm = value;
		} else if (strcmp(argv[i], "--type") == 0) {
			r = parse_type(value, &o->type);
		} else if (strcmp(argv[i], "--delay") == 0) {
			o->delay = strtod(value, &end);
			if (*end || !(o->delay >= 0.1 && o->delay <= 3600))
				r = fail("--delay is seconds, 0.1 to 3600, and not ", value);
		} else {
			r = fail("there is no option ", argv[i]);
		}
	}
	return r;
}

/* ---- what can be done with a row ---- */

/* A name or a number, as kill(1) takes it. 0: there is no such signal. */
static int signal_of(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text && !*end)
		return number > 0 && number < NSIG ? (int)number : 0;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int s = 1; s < NSIG; s++) {
		const char *name = sigabbrev_np(s);

		if (name && strcasecmp(name, text) == 0)
			return s;
	}
	return 0;
}

/* When it was started, as holm_process says it; 0: it is gone. */
static uint64_t start_of(int pid)
{
	char path[32], text[1024] = "", *at;
	unsigned long long ticks = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = 0;
		fclose(f);
	}
	at = strrchr(text, ')'); /* the name before it may hold anything */
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", &ticks) == 1
		       ? ticks * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK))
		       : 0;
}

/*
 * The process that was seen, by a descriptor, which is never another's. First the descriptor, then
 * the look: if it is that one now, it was when the descriptor was opened. -1: that is told.
 */
static int hold_selected(const struct model *m, struct view *v)
{
	const struct row *r = &m->rows[v->selected];
	int fd;

	if (!m->n || !r->pid) {
		snprintf(v->message, sizeof(v->message), "nobody is in it");
		return -1;
	}
	fd = sys_pidfd_open(r->pid, 0);
	if (fd >= 0 && start_of(r->pid) == r->start_ns)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(v->message, sizeof(v->message), "process %d has ended", r->pid);
	return -1;
}

static void kill_selected(const struct model *m, struct view *v)
{
	const struct row *r = &m->rows[v->selected];
	char words[96], text[16] = "TERM";
	int fd = hold_selected(m, v), s, result;

	if (fd < 0)
		return;
	snprintf(words, sizeof(words), "signal to process %d %.40s (Esc: none): ", r->pid, r->name);
	if (screen_ask(words, text, sizeof(text))) {
		s = signal_of(text);
		result = s ? sys_pidfd_send_signal(fd, s) : 0;
		if (!s)
			snprintf(v->message, sizeof(v->message), "there is no signal %s", text);
		else if (result < 0)
			snprintf(v->message, sizeof(v->message), "signal %s to %d: %s", text,
				 r->pid, strerror(-result));
		else
			snprintf(v->message, sizeof(v->message), "signal %s sent to %d", text,
				 r->pid);
	}
	close(fd);
}

static void wait_for_key(void)
{
	char c;

	printf("\n-- Enter leads back --");
	fflush(stdout);
	while (read(0, &c, 1) == 1 && c != '\n')
		;
}

static void enter_selected(const struct model *m, const struct options *o, struct view *v)
{
	int fd = hold_selected(m, v), status = 0;
	char number[16];
	pid_t child;

	if (fd < 0)
		return;
	if (!o->holm) {
		snprintf(v->message, sizeof(v->message), "there is no holm to enter it with");
		close(fd);
		return;
	}
	snprintf(number, sizeof(number), "%d", fd);
	screen_close();
	child = fork();
	if (child == 0) {
		fcntl(fd, F_SETFD, 0);
		execl(o->holm, "holm", "ns", "enter", "--pidfd", number, (char *)NULL);
		perror(o->holm);
		_exit(127);
	}
	close(fd);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child > 0 && status != 0)
		wait_for_key();
	refresh();
}

/* ---- keys ---- */

static void step(const struct model *m, struct view *v, long by)
{
	long to = (long)v->selected + by;

	v->selected = to < 0 ? 0 : m->n && (size_t)to >= m->n ? m->n - 1 : (size_t)to;
	v->inode = m->n ? m->rows[v->selected].inode : 0;
	v->pid = m->n ? m->rows[v->selected].pid : 0;
}

static bool move_key(const struct model *m, struct view *v, int key)
{
	int page = getmaxy(stdscr) - 3;

	switch (key) {
	case KEY_UP:
		step(m, v, -1);
		return true;
	case KEY_DOWN:
		step(m, v, 1);
		return true;
	case KEY_PPAGE:
		step(m, v, -page);
		return true;
	case KEY_NPAGE:
		step(m, v, page);
		return true;
	case KEY_HOME:
		step(m, v, -(long)v->selected);
		return true;
	case KEY_END:
		step(m, v, (long)m->n);
		return true;
	case KEY_RESIZE:
		return true;
	default:
		return false;
	}
}

static void open_selected(struct model *m, struct view *v)
{
	if (!m->n || m->open)
		return;
	m->open = m->rows[v->selected].inode;
	*m->filter = 0;
	*v = (struct view){ 0 };
}

static void go_back(struct model *m, struct view *v)
{
	if (*m->filter) {
		*m->filter = 0;
		return;
	}
	*v = (struct view){ .inode = m->open };
	m->open = 0;
}

/* True: look again. */
static bool act_key(struct model *m, const struct options *o, struct view *v, int key)
{
	char before[sizeof(m->filter)];

	switch (key) {
	case 't':
		m->type = (m->type + 1) % HOLM_NS_TYPES;
		m->open = 0;
		*v = (struct view){ 0 };
		return true;
	case 's':
		m->order = (m->order + 1) % ORDERS;
		model_sort(m);
		*v = (struct view){ 0 };
		return false;
	case '/':
		memcpy(before, m->filter, sizeof(before));
		if (!screen_ask("filter: ", m->filter, sizeof(m->filter)))
			memcpy(m->filter, before, sizeof(before));
		return true;
	case '\n':
	case '\r':
	case KEY_ENTER:
		open_selected(m, v);
		return true;
	case 27:
	case KEY_BACKSPACE:
		go_back(m, v);
		return true;
	case CTRL('l'): /* something else has written to the terminal */
		clearok(curscr, TRUE);
		return false;
	case 'k':
		if (m->n)
			kill_selected(m, v);
		return false;
	case 'e':
		if (m->n)
			enter_selected(m, o, v);
		return false;
	default:
		return key == ' ' || key == ERR;
	}
}

static int run(const struct options *o, struct model *m, struct holm_error *error)
{
	struct view v = { 0 };
	bool look = true;
	int key = 0;

	while (key != 'q') {
		if (look && model_update(m, error) < 0)
			return -1;
		screen_draw(m, &v);
		timeout((int)(o->delay * 1000));
		key = getch();
		look = !move_key(m, &v, key) && act_key(m, o, &v, key);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .delay = 1, .type = HOLM_NS_PID };
	struct model m = { 0 };
	struct holm_error error = { 0 };
	int r = parse(argc, argv, &o);

	if (r)
		return r;
	if (!isatty(0) || !isatty(1))
		return fail("needs a terminal; holm ns ls --json is for machines", "");
	m.type = o.type;
	if (!screen_open())
		return fail("there is no such terminal: TERM=", getenv("TERM") ?: "");
	r = run(&o, &m, &error);
	screen_close();
	model_done(&m);
	return r < 0 ? fail(error.text, "") : 0;
}
