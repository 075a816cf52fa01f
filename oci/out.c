/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "oci.h"

int out_json(struct jsonout *j, struct err *e)
{
	_cleanup_free_ char *text = buf_take(&j->buf);

	if (!text)
		return err_errno(e, ENOMEM, "output");
	if (puts(text) < 0 || fflush(stdout) != 0)
		return err_errno(e, errno, "standard output");
	return 0;
}
