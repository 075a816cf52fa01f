/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

static int down(long n)
{
	volatile char room[4096] = { 1 };

	return n == 0 ? 0 : down(n - 1) + room[n % 4096];
}

int main(void)
{
	volatile long n = 1L << 40;

	return down(n);
}
