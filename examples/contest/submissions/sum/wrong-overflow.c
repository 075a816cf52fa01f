/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	long n, x;
	int sum = 0;

	if (scanf("%ld", &n) != 1)
		return 1;
	while (n-- > 0 && scanf("%ld", &x) == 1)
		sum = (int)((unsigned)sum + (unsigned)x);
	printf("%d\n", sum);
}
