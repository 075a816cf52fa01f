/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How init learns its work: the one packet that waits in the control channel. */
#include <sys/mman.h>

#include "base/macro.h"
#include "run/init.h"

const struct step init_steps[] = {
#include "run/seal.rows"
};

const size_t init_n_steps = ARRAY_SIZE(init_steps);

static struct landlock_rule rules[256];

static void read_landlock(struct wire_in *w, struct seal *seal)
{
	uint64_t n = wire_get_u64(w);

	if (n > ARRAY_SIZE(rules)) {
		w->bad = true;
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		uint64_t bits = wire_get_u64(w);

		rules[i].access = (enum landlock_access)(bits & 0xff);
		rules[i].optional = bits >> 32;
		rules[i].path = wire_get_str(w);
	}
	seal->landlock.items = rules;
	seal->landlock.n = n;
}

static void read_seal(struct wire_in *w, struct seal *seal)
{
	const struct seal *flat = wire_get(w, sizeof(*flat));

	if (!flat)
		return;
	*seal = *flat;
	seal->cwd = wire_get_str(w);
	seal->label = wire_get_str(w);
	seal->rlimits.n = wire_get_u64(w);
	seal->rlimits.items = wire_get(w, seal->rlimits.n * sizeof(struct rlimit_wish));
	read_landlock(w, seal);
	seal->filter_len = (uint16_t)wire_get_u64(w);
	seal->filter = seal->filter_len ? wire_get(w, seal->filter_len * (size_t)8) : NULL;
}

static char **read_list(struct init *in, struct wire_in *w)
{
	return wire_get_list(w, in->pointers, &in->n_pointers, in->pointers_max);
}

static void read_main(struct init *in, struct wire_in *w)
{
	in->main.name = "main";
	in->main.path = wire_get_str(w);
	in->main.argv = read_list(in, w);
	in->main.envp = in->envp;
}

static void read_services(struct init *in, struct wire_in *w)
{
	uint64_t n = wire_get_u64(w);

	if (n > SERVICES_MAX) {
		w->bad = true;
		return;
	}
	for (uint64_t i = 0; i < n && !w->bad; i++) {
		struct program *p = &in->services[i].program;

		p->name = wire_get_str(w);
		p->restart = (enum restart)wire_get_u64(w);
		p->path = wire_get_str(w);
		p->argv = read_list(in, w);
		p->envp = in->envp;
	}
	in->n_services = (unsigned)n;
}

#define HOOKS_MAX 64

static void read_hooks(struct init *in, struct wire_in *w)
{
	static struct hook hook[HOOKS_MAX];
	uint64_t n = wire_get_u64(w);

	if (n > HOOKS_MAX) {
		w->bad = true;
		return;
	}
	for (uint64_t i = 0; i < n && !w->bad; i++) {
		hook[i].timeout_s = (uint32_t)wire_get_u64(w);
		hook[i].program.path = wire_get_str(w);
		hook[i].program.argv = read_list(in, w);
		hook[i].program.envp = read_list(in, w);
	}
	in->start_hooks.items = hook;
	in->start_hooks.n = n;
}

static void *map(size_t len, int fd)
{
	int flags = MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0);
	long p = RAW6(SYS_mmap, 0, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

/* A large brief comes as a memory file. Every string in it takes 16 bytes at least. */
static bool map_conf(struct init *in, struct wire_in *w, size_t len, int fd)
{
	*w = (struct wire_in){ .data = map(len, fd), .len = len };
	in->pointers_max = len / 16 + 16;
	in->pointers = map(in->pointers_max * sizeof(char *), -1);
	sys_close(fd);
	return w->data && in->pointers;
}

/* The command's own; until now they were the caller's. */
static void take_stdio(const int *fds)
{
	for (int i = 0; i < 3; i++) {
		sys_dup3(fds[i], i, 0);
		sys_close(fds[i]);
	}
}

bool init_read_conf(struct init *in)
{
	unsigned n_fds = BRIEF_FDS_MAX, used = 0;
	int fds[BRIEF_FDS_MAX] = { -1, -1, -1, -1, -1, -1, -1 };
	ssize_t n;
	struct wire_head head;
	struct wire_in w = { .data = in->conf, .at = sizeof(head) };

	in->pointers = in->few_pointers;
	in->pointers_max = ARRAY_SIZE(in->few_pointers);
	do {
		n = sys_recv_fds(in->control_fd, in->conf, sizeof(in->conf), fds, &n_fds, 0);
	} while (n == -EINTR);
	if (n < (ssize_t)sizeof(head))
		return false;
	memcpy(&head, in->conf, sizeof(head));
	if (head.type != WIRE_CONF)
		return false;
	w.len = (size_t)n;
	if (head.value & BRIEF_FILE && !map_conf(in, &w, head.len, fds[used++]))
		return false;
	read_seal(&w, &in->seal);
	if (head.value & BRIEF_HOOKS)
		in->seal.hooks_fd = fds[used++];
	if (head.value & BRIEF_PROCESS)
		in->seal.process_fd = fds[used++];
	if (head.value & BRIEF_LISTENER)
		in->seal.listener_fd = fds[used++];
	in->measures = head.value & BRIEF_MEASURE;
	if (head.value & BRIEF_STDIO)
		take_stdio(fds + used);
	in->seal.label_fd = in->label_fd;
	in->others = in->seal;
	in->others.n_keep_fds = 0; /* what is kept open is for the command alone */
	in->others.block_fd = -1;
	in->envp = read_list(in, &w);
	read_main(in, &w);
	read_services(in, &w);
	read_hooks(in, &w);
	return !w.bad;
}

struct dirent64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

uint32_t init_count_processes(void)
{
	_Alignas(8) char block[4096];
	int fd = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0);
	uint32_t count = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	while ((n = RAW3(SYS_getdents64, fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const struct dirent64 *)(block + at);

			count += d->name[0] >= '1' && d->name[0] <= '9';
			at += d->reclen;
		}
	}
	sys_close(fd);
	return count;
}
