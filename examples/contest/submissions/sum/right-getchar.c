/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	long values[8192], n = 0, v = 0, sum = 0;
	int sign = 1, in = 0, ch;

	do {
		ch = getchar();
		if (ch == '-') {
			sign = -1;
		} else if (ch >= '0' && ch <= '9') {
			v = v * 10 + ch - '0';
			in = 1;
		} else if (in) {
			values[n++] = sign * v;
			v = in = 0;
			sign = 1;
		}
	} while (ch != EOF);
	for (long i = 1; i < n; i++)
		sum += values[i];
	printf("%ld\n", sum);
}
