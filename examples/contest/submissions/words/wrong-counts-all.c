/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char word[100];
	int n = 0;

	while (scanf("%99s", word) == 1)
		n++;
	printf("%d\n", n);
}
