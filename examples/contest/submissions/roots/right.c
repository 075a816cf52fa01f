/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	double x;

	while (scanf("%lf", &x) == 1)
		printf("%.9f\n", sqrt(x));
}
