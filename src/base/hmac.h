/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HMAC (RFC 2104) with SHA-256 (FIPS 180-4): how keys are made from a secret. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HMAC_LEN 32

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 uint8_t out[HMAC_LEN]);
