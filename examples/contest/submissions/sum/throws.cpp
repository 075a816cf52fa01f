/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <iostream>
#include <stdexcept>

int main()
{
	throw std::runtime_error("no");
}
