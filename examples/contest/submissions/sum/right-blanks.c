/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	long n, x, sum = 0;

	if (scanf("%ld", &n) != 1)
		return 1;
	while (n-- > 0 && scanf("%ld", &x) == 1)
		sum += x;
	printf("\n\t  %ld  \n\n", sum);
}
