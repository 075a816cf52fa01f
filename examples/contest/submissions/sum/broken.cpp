/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <iostream>

int main()
{
	std::string s = 1 + ;
}
