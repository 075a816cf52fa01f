/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
	static char *words[20000];
	char word[100];
	size_t n = 0, different = 0;

	while (n < 20000 && scanf("%99s", word) == 1)
		words[n++] = strdup(word);
	qsort(words, n, sizeof(words[0]), order);
	for (size_t i = 0; i < n; i++)
		different += i == 0 || strcmp(words[i], words[i - 1]) != 0;
	printf("%zu\n", different);
}
