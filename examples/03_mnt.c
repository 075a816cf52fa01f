/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 3: the box has a root of its own, made for it and gone with it. What it shows of the host
 * is what was asked for; the way back to the old root is closed.
 */
#include <unistd.h>

#include "example.h"

int main(void)
{
	struct holm_spec *spec = new_spec();
	char secret[] = "/tmp/holm-example.XXXXXX", field[128];
	int fd = mkstemp(secret), code;

	if (fd < 0 || write(fd, "secret\n", 7) != 7)
		err(1, "%s", secret);
	close(fd);

	set(spec, "tmpfs", "/data:size=1m");
	set(spec, "file", "/data/note=made for this box");
	set(spec, "ro-bind", "/usr/share");
	snprintf(field, sizeof(field), "SECRET=%s", secret);
	set(spec, "env", field);

	code = finish(start(spec,
			    "echo root: $(ls /)\n"
			    "echo note: $(cat /data/note)\n"
			    "touch /usr/share/x 2>/dev/null || echo /usr/share cannot be written\n"
			    "for way in '' /.. /../../.. /proc/1/root /proc/self/root/..; do\n"
			    "	cat \"$way$SECRET\" 2>/dev/null && exit 1\n"
			    "done\n"
			    "echo 'the secret: no way leads there'\n"
			    "echo mine >/tmp/box-file && echo in its /tmp: $(ls /tmp)"));

	printf("outside: %s, and the box's file %s\n",
	       access(secret, R_OK) == 0 ? "the secret is where it was" : "the secret is gone",
	       access("/tmp/box-file", F_OK) == 0 ? "is here" : "is not here");
	unlink(secret);
	holm_spec_free(spec);
	return code;
}
