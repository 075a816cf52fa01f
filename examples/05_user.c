/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 5: root inside is the caller outside. It is called root, and files that it makes are the
 * caller's; over what belongs to others it has no power.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "example.h"

int main(void)
{
	struct holm_spec *spec = new_spec();
	char dir[] = "/tmp/holm-example.XXXXXX", made[64];
	struct stat st;
	int code;

	if (!mkdtemp(dir))
		err(1, "mkdtemp");
	snprintf(made, sizeof(made), "%s/made", dir);

	set(spec, "user", "root");
	set(spec, "work", dir); /* writable, and the working directory */
	code = finish(start(
		spec, "echo inside: I am $(id -un), user $(id -u)\n"
		      "touch made; echo inside: the file is of user $(stat -c %u made)\n"
		      "echo inside: capabilities $(sed -n 's/^CapEff:.//p' /proc/self/status)\n"
		      "chown 12345 made 2>/dev/null || echo inside: cannot give it away"));

	if (stat(made, &st) < 0)
		err(1, "%s", made);
	printf("outside: the file is %s\n", st.st_uid == geteuid() ? "the caller's" : "not ours?");
	if (st.st_uid != geteuid())
		code = 1;
	unlink(made);
	rmdir(dir);
	holm_spec_free(spec);
	return code;
}
