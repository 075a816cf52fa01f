/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <iostream>

int main()
{
	long n, x, sum = 0;

	std::cin >> n;
	while (n-- > 0 && std::cin >> x)
		sum += x;
	std::cout << sum << std::endl;
}
