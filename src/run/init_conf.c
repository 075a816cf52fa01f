/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How init learns its work: the one packet that waits in the control channel. */
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
	seal->rlimits.n = wire_get_u64(w);
	seal->rlimits.items = wire_get(w, seal->rlimits.n * sizeof(struct rlimit_wish));
	read_landlock(w, seal);
	seal->filter_len = (uint16_t)wire_get_u64(w);
	seal->filter = seal->filter_len ? wire_get(w, seal->filter_len * (size_t)8) : NULL;
}

static void read_main(struct init *in, struct wire_in *w)
{
	in->main.name = "main";
	in->main.path = wire_get_str(w);
	in->main.argv = wire_get_list(w, in->pointers, &in->n_pointers, POINTERS_MAX);
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
		p->argv = wire_get_list(w, in->pointers, &in->n_pointers, POINTERS_MAX);
		p->envp = in->envp;
	}
	in->n_services = (unsigned)n;
}

bool init_read_conf(struct init *in)
{
	unsigned none = 0;
	ssize_t n;
	struct wire_head head;
	struct wire_in w = { .data = in->conf, .at = sizeof(head) };

	do {
		n = sys_recv_fds(in->control_fd, in->conf, sizeof(in->conf), NULL, &none, 0);
	} while (n == -EINTR);
	if (n < (ssize_t)sizeof(head))
		return false;
	memcpy(&head, in->conf, sizeof(head));
	if (head.type != WIRE_CONF)
		return false;
	w.len = (size_t)n;
	read_seal(&w, &in->seal);
	in->others = in->seal;
	in->others.n_keep_fds = 0; /* what is kept open is for the command alone */
	in->others.block_fd = -1;
	in->envp = wire_get_list(&w, in->pointers, &in->n_pointers, POINTERS_MAX);
	read_main(in, &w);
	read_services(in, &w);
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
