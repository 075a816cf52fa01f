/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocol buffers, as far as criu speaks them: variable-length numbers, and what has a length. */
#include <string.h>

#include "criu.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 };

static void put_varint(struct buf *b, uint64_t value)
{
	char bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
		n++;
	} while (value);
	buf_put(b, bytes, n);
}

void pb_int(struct buf *b, unsigned field, uint64_t value)
{
	put_varint(b, (uint64_t)field << 3 | WIRE_VARINT);
	put_varint(b, value);
}

void pb_bytes(struct buf *b, unsigned field, const char *data, size_t len)
{
	put_varint(b, (uint64_t)field << 3 | WIRE_LENGTH);
	put_varint(b, len);
	if (len)
		buf_put(b, data, len);
}

void pb_text(struct buf *b, unsigned field, const char *text)
{
	pb_bytes(b, field, text, strlen(text));
}

static bool take_varint(struct pb_in *in, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; in->at < in->end && shift < 64; shift += 7) {
		unsigned char c = *in->at++;

		*out |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

bool pb_next(struct pb_in *in, struct pb_field *out)
{
	uint64_t tag, len;

	*out = (struct pb_field){ 0 };
	if (!take_varint(in, &tag))
		return false;
	out->number = (unsigned)(tag >> 3);
	switch (tag & 7) {
	case WIRE_VARINT:
		return take_varint(in, &out->value);
	case WIRE_64:
		len = 8;
		break;
	case WIRE_32:
		len = 4;
		break;
	case WIRE_LENGTH:
		if (!take_varint(in, &len))
			return false;
		break;
	default:
		return false;
	}
	if (len > (size_t)(in->end - in->at))
		return false;
	out->data = (const char *)in->at;
	out->len = (size_t)len;
	in->at += len;
	return true;
}
