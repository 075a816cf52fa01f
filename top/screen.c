/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen: a line of sums, headings, rows, a line of keys. Works with 80 columns and fewer. */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

enum pair { PAIR_HEAD = 1, PAIR_HOT };

static bool colours;

bool screen_open(void)
{
	/* Not initscr(3), which ends the program where it knows no such terminal. */
	if (!newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	/* https://no-color.org: whoever sets it wants none, whatever the terminal can. */
	colours = has_colors() && !getenv("NO_COLOR") && start_color() == OK;
	if (colours) {
		use_default_colors();
		init_pair(PAIR_HEAD, COLOR_CYAN, -1);
		init_pair(PAIR_HOT, COLOR_RED, -1);
	}
	return true;
}

void screen_close(void)
{
	if (!isendwin())
		endwin();
}

/* ---- words ---- */

/* Names and commands are not ours: what is no plain character is a question mark. */
static void put_plain(int y, int x, int width, const char *s)
{
	for (int i = 0; i < width && s[i]; i++)
		mvaddch(y, x + i, s[i] >= 0x20 && s[i] < 0x7f ? (chtype)s[i] : (chtype)'?');
}

/* "512", "64k", "1.5M": up to six characters. */
static void size_words(double n, char out[16])
{
	static const char units[] = " kMGTP";
	size_t u = 0;

	while (n >= 1000 && u + 2 < sizeof(units)) {
		n /= 1024;
		u++;
	}
	if (u == 0)
		snprintf(out, 16, "%.0f", n);
	else
		snprintf(out, 16, n < 10 ? "%.1f%c" : "%.0f%c", n, units[u]);
}

/* ---- lines ---- */

static void put_sums(const struct model *m, int width)
{
	char text[256];

	snprintf(text, sizeof(text), "holm top  %zu %s  %u processes  by %s%s%s%s", m->n,
		 m->open ? "processes in it" : holm_ns_type_name(m->type), m->processes,
		 order_names[m->order], *m->filter ? "  filter: " : "", m->filter,
		 m->unseen ? "  (some are not for you to see)" : "");
	attron(A_BOLD);
	put_plain(0, 0, width, text);
	attroff(A_BOLD);
}

/* How wide the name is: what the numbers leave, and not more than it needs. */
static int name_width(int width)
{
	return width >= 100 ? 30 : width >= 72 ? 22 : 16;
}

static void put_headings(int y, int width)
{
	char text[256];

	snprintf(text, sizeof(text), "%-*s %7s %6s %6s %7s %7s %7s  %s", name_width(width), "NAME",
		 "PID", "PROCS", "CPU%", "MEMORY", "RX/s", "TX/s", "COMMAND");
	if (colours)
		attron(COLOR_PAIR(PAIR_HEAD));
	attron(A_UNDERLINE);
	put_plain(y, 0, width, text);
	for (int x = (int)strlen(text); x < width; x++)
		mvaddch(y, x, ' ');
	attroff(A_UNDERLINE);
	if (colours)
		attroff(COLOR_PAIR(PAIR_HEAD));
}

static void put_row(const struct row *r, int y, int width, bool selected)
{
	char memory[16], rx[16] = "-", tx[16] = "-", pid[16] = "-", text[512];
	bool hot = colours && r->cpu_percent >= 80;

	size_words((double)r->memory_bytes, memory);
	if (r->has_net) {
		size_words(r->rx_rate, rx);
		size_words(r->tx_rate, tx);
	}
	if (r->pid)
		snprintf(pid, sizeof(pid), "%d", r->pid);
	snprintf(text, sizeof(text), "%-*.*s %7s %6u %6.1f %7s %7s %7s  %s", name_width(width),
		 name_width(width), r->name, pid, r->processes, r->cpu_percent, memory, rx, tx,
		 r->command);
	/* Also without colours it can be told which one is meant. */
	if (selected)
		attron(A_REVERSE);
	if (hot)
		attron(COLOR_PAIR(PAIR_HOT));
	for (int x = 0; selected && x < width; x++)
		mvaddch(y, x, ' ');
	put_plain(y, 0, width, text);
	attroff(A_REVERSE);
	if (hot)
		attroff(COLOR_PAIR(PAIR_HOT));
}

/* What was selected stays so, wherever the order has moved it. */
static void follow(const struct model *m, struct view *v, size_t room)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i].inode == v->inode && m->rows[i].pid == v->pid)
			v->selected = i;
	if (v->selected >= m->n)
		v->selected = m->n ? m->n - 1 : 0;
	if (v->selected < v->top)
		v->top = v->selected;
	if (room && v->selected >= v->top + room)
		v->top = v->selected - room + 1;
	if (v->top + room > m->n)
		v->top = m->n > room ? m->n - room : 0;
	v->inode = m->n ? m->rows[v->selected].inode : 0;
	v->pid = m->n ? m->rows[v->selected].pid : 0;
}

void screen_draw(const struct model *m, struct view *v)
{
	static const char keys[] = "q quit  t type  s sort  / filter  Enter open  Esc back  "
				   "k kill  e enter";
	int height, width;
	size_t room;

	getmaxyx(stdscr, height, width);
	room = height > 3 ? (size_t)(height - 3) : 0;
	follow(m, v, room);
	erase();
	put_sums(m, width);
	put_headings(1, width);
	for (size_t i = 0; i < room && v->top + i < m->n; i++)
		put_row(&m->rows[v->top + i], 2 + (int)i, width, v->top + i == v->selected);
	if (m->n == 0)
		put_plain(2, 2, width - 2, *m->filter ? "nothing matches the filter" : "nothing");
	/* Not in the last column of the last line: that would scroll. */
	put_plain(height - 1, 0, width - 1, *v->message ? v->message : keys);
	*v->message = 0;
	refresh();
}

bool screen_ask(const char *words, char *text, size_t room)
{
	size_t len = strlen(text);
	int height, width, key;

	timeout(-1);
	curs_set(1);
	for (;;) {
		getmaxyx(stdscr, height, width);
		move(height - 1, 0);
		clrtoeol();
		put_plain(height - 1, 0, width - 1, words);
		put_plain(height - 1, (int)strlen(words), width - 1 - (int)strlen(words), text);
		move(height - 1, (int)(strlen(words) + len));
		refresh();
		key = getch();
		if (key == '\n' || key == '\r' || key == KEY_ENTER || key == 27 || key == ERR)
			break;
		if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && len > 0)
			text[--len] = 0;
		else if (key >= 0x20 && key < 0x7f && len + 1 < room) {
			text[len++] = (char)key;
			text[len] = 0;
		}
	}
	curs_set(0);
	return key != 27 && key != ERR;
}
