/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places inside a root that is not ours: whatever links it holds, nothing outside is touched. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fs.h"

static char base[64];

static int setup(void **state)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	strcpy(base, "/tmp/holm-test-fs-XXXXXX");
	if (!mkdtemp(base) || chdir(base) < 0 || mkdir("root", 0755) < 0)
		return -1;
	*fs = (struct fs)FS_INIT;
	fs->root_fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = fs;
	return fs->root_fd < 0;
}

static int teardown(void **state)
{
	struct fs *fs = *state;
	char command[128];

	fs_flush(fs);
	close(fs->root_fd);
	free(fs);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return chdir("/") < 0 || system(command) != 0;
}

static bool there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void parents_are_made(void **state)
{
	struct fs_place place;

	assert_int_equal(fs_place(*state, "/a/b/c", FS_PLACE(true), &place), 0);
	assert_true(there("root/a/b/c"));
	assert_int_equal(fs_place(*state, "/a/b/f", FS_PLACE(false), &place), 0);
	assert_true(there("root/a/b/f"));
	assert_int_equal(fs_dir(*state, "/a/b/c", 0700), 0); /* there already: fine */
}

static void links_stay_inside(void **state)
{
	struct fs_place place;

	assert_int_equal(mkdir("outside", 0755), 0);
	assert_int_equal(symlink("../outside", "root/up"), 0);
	assert_int_equal(symlink("/run", "root/abs"), 0);
	assert_int_equal(mkdir("root/run", 0755), 0);
	/* ".." stops at the root, so "up" is /outside in there, which is not yet: it is made */
	assert_int_equal(fs_place(*state, "/up/x", FS_PLACE(true), &place), 0);
	assert_true(there("root/outside/x"));
	assert_int_equal(symlink("../../../new//dir/", "root/abs2"), 0);
	assert_int_equal(fs_place(*state, "/abs2", FS_PLACE(true), &place), 0);
	assert_true(there("root/new/dir"));
	assert_int_equal(symlink("other", "root/file"), 0);
	assert_int_equal(fs_place(*state, "/file", FS_PLACE(false), &place), 0);
	assert_true(there("root/other"));
	assert_int_equal(fs_place(*state, "/abs/x", FS_PLACE(true), &place), 0);
	assert_true(there("root/run/x"));
	assert_false(there("outside/x"));
	assert_false(there("/run/x"));
}

static void loops_and_files_are_refused(void **state)
{
	struct fs_place place;

	assert_int_equal(symlink("loop", "root/loop"), 0);
	assert_int_equal(fs_place(*state, "/loop/x", FS_PLACE(true), &place), -ELOOP);
	close(creat("root/file", 0644));
	assert_int_equal(fs_place(*state, "/file/x", FS_PLACE(true), &place), -ENOTDIR);
}

static void files_are_not_written_through_links(void **state)
{
	FILE *f = fopen("secret", "w");
	char text[16] = "";

	fputs("untouched", f);
	fclose(f);
	assert_int_equal(symlink("../secret", "root/passwd"), 0);
	assert_int_equal(fs_file(*state, "/passwd", "new", 3, 0444), 0);
	f = fopen("secret", "r");
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "untouched");
	f = fopen("root/passwd", "r");
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "new");
}

static void long_names_are_refused(void **state)
{
	char path[8192];
	const char *name;
	struct fs_place place;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[400] = 0;
	assert_int_equal(fs_place(*state, path, true, &place), -ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(path) - 2; i += 2)
		memcpy(path + i, "/y", 2);
	path[sizeof(path) - 2] = 0;
	assert_int_equal(fs_parent(*state, path, &name), -ENAMETOOLONG);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 3; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void descriptors_are_let_go(void **state)
{
	struct fs *fs = *state;
	int before = count_fds();
	char path[64];

	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "/d%d/e", i);
		assert_int_equal(fs_dir(fs, path, 0755), 0);
		assert_true(count_fds() < 300);
	}
	fs_flush(fs);
	assert_int_equal(count_fds(), before);
}

static void numbers_as_text(void **state)
{
	char text[32];

	(void)state;
	fs_put_u64(text, 0, 10);
	assert_string_equal(text, "0");
	fs_put_u64(text, UINT64_MAX, 10);
	assert_string_equal(text, "18446744073709551615");
	fs_put_u64(text, 01777, 8);
	assert_string_equal(text, "1777");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parents_are_made, setup, teardown),
		cmocka_unit_test_setup_teardown(links_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(loops_and_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_not_written_through_links, setup,
						teardown),
		cmocka_unit_test_setup_teardown(long_names_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_are_let_go, setup, teardown),
		cmocka_unit_test(numbers_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
