/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <iostream>
#include <vector>

int main()
{
	std::vector<long> all;

	for (;;)
		all.push_back(1);
}
