/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HMAC-SHA256 by the vectors of RFC 4231, and lengths around those of a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/hmac.h"
#include "base/macro.h"

static const struct {
	const char *key, *data, *mac;
	uint8_t fill; /* the key is this, `times` times */
	size_t times;
} vectors[] = {
	{ "Jefe", "what do ya want for nothing?",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0, 0 },
	{ NULL, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	  0x0b, 20 },
	{ NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 0xaa, 131 },
	{ NULL,
	  "This is a test using a larger than block-size key and a larger than block-size data. "
	  "The "
	  "key needs to be hashed before being used by the HMAC algorithm.",
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", 0xaa, 131 },
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t key[256], out[HMAC_LEN];
		size_t len = vectors[i].times;
		char hex[2 * HMAC_LEN + 1];

		memset(key, vectors[i].fill, sizeof(key));
		if (vectors[i].key) {
			len = strlen(vectors[i].key);
			memcpy(key, vectors[i].key, len);
		}
		hmac_sha256(key, len, vectors[i].data, strlen(vectors[i].data), out);
		for (size_t k = 0; k < HMAC_LEN; k++)
			snprintf(hex + 2 * k, 3, "%02x", out[k]);
		assert_string_equal(hex, vectors[i].mac);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
