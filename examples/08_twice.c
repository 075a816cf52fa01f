/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 8: the same program twice. Two boxes from one spec, running at the same time: each has its
 * own port 8080, its own /tmp, its own process 2. And the control channel: what is going on inside,
 * and one more program run there.
 */
#include "example.h"

static const char server[] = "echo \"$$\" >/tmp/pid\n"
			     "exec /usr/bin/python3 -c '\n"
			     "import socket\n"
			     "s = socket.create_server((\"0.0.0.0\", 8080))\n"
			     "open(\"/tmp/ready\", \"w\").close()\n"
			     "while True: s.accept()'";
static const char question[] = "until [ -e /tmp/ready ]; do sleep 0.05; done\n"
			       "grep -q ':1F90 .* 0A ' /proc/net/tcp && echo \"port 8080 is mine, "
			       "and I am process $(cat /tmp/pid)\"";

/* Runs the question in the box and waits for its end. */
static void ask(struct holm_box *box)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)question, NULL };
	const int fds[] = { 0, 1, 2 }; /* ours: the answer comes to the same place */
	struct holm_event event = { 0 };
	uint32_t id;
	int pid, r;

	r = holm_run(box, argv, fds, &id, &pid);
	if (r < 0)
		errx(1, "run: %s", strerror(-r));
	while (holm_next(box, &event, 10000) == 1)
		if (event.kind == HOLM_RUN_EXIT && event.id == id)
			break;
	if (event.kind != HOLM_RUN_EXIT || event.status != 0)
		errx(1, "the question has failed");
}

int main(void)
{
	struct holm_spec *spec = new_spec();
	struct holm_box *boxes[2];
	struct holm_state state;

	for (int i = 0; i < 2; i++)
		boxes[i] = start(spec, server);
	for (int i = 0; i < 2; i++)
		ask(boxes[i]);
	for (int i = 0; i < 2; i++) {
		if (holm_control(boxes[i], &state) < 0)
			errx(1, "control");
		printf("box %d: %u processes\n", i + 1, state.processes);
		holm_signal(boxes[i], 15);
		printf("box %d: ended with code %d\n", i + 1, finish(boxes[i]));
	}
	holm_spec_free(spec);
	return 0;
}
