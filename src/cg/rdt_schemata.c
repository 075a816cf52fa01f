/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Schemata: a line for each resource, "L3:0=fffff;1=ff". The kernel shows numbers with blanks or
 * zeroes in front, and resources with blanks in front.
 */
#include <string.h>

#include "base/str.h"
#include "cg/rdt.h"

#define NAME_ROOM 16

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* The name of the line's resource; what stands behind the colon. NULL: it is no such line. */
static const char *resource_of(const char *line, char name[NAME_ROOM])
{
	size_t len;

	line = skip_blanks(line);
	len = strcspn(line, ": \t\n;=");
	if (len == 0 || len >= NAME_ROOM || line[len] != ':')
		return NULL;
	memcpy(name, line, len);
	name[len] = 0;
	return line + len + 1;
}

static const char *find_line(const char *schemata, const char *resource)
{
	for (const char *line = schemata; line && *line;) {
		char name[NAME_ROOM];

		if (resource_of(line, name) && strcmp(name, resource) == 0)
			return skip_blanks(line);
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return NULL;
}

char *rdt_line(struct arena *a, const char *schemata, const char *resource)
{
	const char *line = find_line(schemata, resource);

	return line ? arena_strndup(a, line, strcspn(line, "\n")) : NULL;
}

/* Bandwidth is told in decimal numbers, parts of a cache as bits. */
static bool is_bandwidth(const char *resource)
{
	return str_eq(resource, "MB") || str_eq(resource, "SMBA");
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static bool take_number(const char **s, uint64_t base, uint64_t *out)
{
	const char *p = skip_blanks(*s), *first = p;
	uint64_t value = 0;

	if (base == 16 && p[0] == '0' && (p[1] | 0x20) == 'x')
		first = p += 2;
	for (; (uint64_t)digit(*p) < base; p++) {
		if (value > UINT64_MAX / 32)
			return false;
		value = value * base + (uint64_t)digit(*p);
	}
	if (p == first)
		return false;
	*s = skip_blanks(p);
	*out = value;
	return true;
}

/* "0=ff" at *s, which moves behind it and a semicolon. */
static bool take_domain(const char **s, uint64_t base, uint64_t *id, uint64_t *value)
{
	if (!take_number(s, 10, id) || **s != '=')
		return false;
	(*s)++;
	if (!take_number(s, base, value))
		return false;
	*s += **s == ';';
	return true;
}

static bool value_of(const char *domains, uint64_t base, uint64_t id, uint64_t *out)
{
	uint64_t this, value;

	while (take_domain(&domains, base, &this, &value))
		if (this == id) {
			*out = value;
			return true;
		}
	return false;
}

static const char *domains_of(const char *schemata, const char *resource)
{
	const char *line = find_line(schemata, resource);

	return line ? strchr(line, ':') + 1 : "";
}

static bool same_value(bool bandwidth, uint64_t wanted, uint64_t real, uint64_t gran)
{
	return real == wanted || (bandwidth && gran && (wanted + gran - 1) / gran * gran == real);
}

static bool line_matches(const char *have, const char *want, const char *over, uint64_t gran)
{
	char name[NAME_ROOM];
	const char *wanted = resource_of(want, name), *is, *later;
	uint64_t base, id, value, real;
	bool bandwidth;

	if (!wanted)
		return false;
	bandwidth = is_bandwidth(name);
	base = bandwidth ? 10 : 16;
	is = domains_of(have, name);
	later = domains_of(over, name);
	wanted = skip_blanks(wanted);
	while (*wanted && *wanted != '\n') {
		if (!take_domain(&wanted, base, &id, &value))
			return false;
		if (value_of(later, base, id, &real))
			continue;
		if (!value_of(is, base, id, &real) || !same_value(bandwidth, value, real, gran))
			return false;
	}
	return true;
}

bool rdt_matches(const char *have, const char *want, const char *over, uint64_t gran, char *line,
		 size_t room)
{
	while (*want) {
		size_t len = strcspn(want, "\n");

		if (!line_matches(have, want, over, gran)) {
			size_t n = MIN(len, room - 1);

			memcpy(line, want, n);
			line[n] = 0;
			return false;
		}
		want += len + (want[len] == '\n');
	}
	return true;
}
