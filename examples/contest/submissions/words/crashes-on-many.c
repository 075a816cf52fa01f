/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *words[100];
	char word[100];
	volatile size_t n = 0;

	while (scanf("%99s", word) == 1)
		words[n++ * 100000] = strdup(word);
	printf("%zu %s\n", n, words[0]);
}
