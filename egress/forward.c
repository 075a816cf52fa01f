/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: one of the box's, which believes to have reached the name, and one of ours, which
 * has. What is between them goes through two pipes by splice(2), without being looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "egress.h"

#define CONNECTIONS_MAX 1000
#define ASKING_MAX      16
#define CHUNK           65536
#define ROUNDS          32 /* then others have their turn */
#define CONNECT_MS      5000
#define PATIENCE_MS     20000
#define GOOD_MS         5000 /* so long an answer is used again */

enum state { QUEUED, ASKING, CONNECTING, OPEN, DEAD };

struct stream {
	int from, to, pipe[2];
	size_t held; /* in the pipe */
	bool ended, closed;
	uint64_t moved;
};

struct connection {
	struct connection *next;
	enum state state;
	bool asked; /* a thread has our address and will answer */
	int client_fd, server_fd;
	struct name *name;
	uint16_t port;
	struct ip addresses[ADDRESSES_MAX];
	size_t n_addresses, tried;
	int64_t since_ms, connecting_ms;
	struct stream out, in;
};

static struct {
	struct names *names;
	int epoll_fd, listen_fd;
	struct connection *all;
	unsigned n, asking, max;
	bool full;    /* nobody is accepted */
	bool starved; /* for want of descriptors, until some were closed */
	int64_t starved_ms;
} f;

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the end of one ---- */

static void close_stream(struct stream *s)
{
	cleanup_fd(&s->pipe[0]);
	cleanup_fd(&s->pipe[1]);
	s->pipe[0] = s->pipe[1] = -1;
}

/* Its memory goes at the next tick: epoll may name it once more until then. */
static void end(struct connection *c, const char *why)
{
	const struct linger hard = { .l_onoff = 1 };
	bool was_open = c->state == OPEN;

	if (c->state == DEAD)
		return;
	if (c->state == ASKING)
		f.asking--;
	c->state = DEAD;
	if (was_open)
		log_closed(c->name->text, c->port, c->out.moved, c->in.moved);
	else
		log_connection("failed", c->name->text, c->port, NULL, why);
	/* Whose connection did not come about, or broke, is to see that. */
	if (why)
		setsockopt(c->client_fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	cleanup_fd(&c->client_fd);
	cleanup_fd(&c->server_fd);
	c->client_fd = c->server_fd = -1;
	close_stream(&c->out);
	close_stream(&c->in);
}

/* ---- while it is open ---- */

static bool would_block(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* One go. false: it broke. */
static bool move(struct stream *s, bool *progress)
{
	ssize_t n;

	if (!s->ended && !s->held) {
		n = splice(s->from, NULL, s->pipe[1], NULL, CHUNK, SPLICE_F_NONBLOCK);
		if (n < 0 && !would_block(n))
			return false;
		s->ended = n == 0;
		s->held = n > 0 ? (size_t)n : 0;
		*progress |= n >= 0;
	}
	if (s->held) {
		n = splice(s->pipe[0], NULL, s->to, NULL, s->held, SPLICE_F_NONBLOCK);
		if (n < 0 && !would_block(n))
			return false;
		s->held -= n > 0 ? (size_t)n : 0;
		s->moved += n > 0 ? (size_t)n : 0;
		*progress |= n > 0;
	}
	if (s->ended && !s->held && !s->closed) {
		shutdown(s->to, SHUT_WR);
		s->closed = true;
	}
	return true;
}

static int watch(int fd, struct connection *c, int op)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .data.ptr = c };

	return epoll_ctl(f.epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

static void pump(struct connection *c)
{
	bool progress = true;

	for (int i = 0; i < ROUNDS && progress; i++) {
		progress = false;
		if (!move(&c->out, &progress) || !move(&c->in, &progress)) {
			end(c, "it broke");
			return;
		}
		if (c->out.closed && c->in.closed) {
			end(c, NULL);
			return;
		}
	}
	if (progress) /* is named again at once, behind the others */
		watch(c->server_fd, c, EPOLL_CTL_MOD);
}

/* ---- until it is ---- */

static void begin(struct connection *c)
{
	int on = 1;

	c->out = (struct stream){ c->client_fd, c->server_fd, { -1, -1 }, 0, false, false, 0 };
	c->in = (struct stream){ c->server_fd, c->client_fd, { -1, -1 }, 0, false, false, 0 };
	if (pipe2(c->out.pipe, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    pipe2(c->in.pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		end(c, "too many descriptors are open");
		return;
	}
	setsockopt(c->client_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->server_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->server_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	c->state = OPEN;
	log_connection("connected", c->name->text, c->port, &c->addresses[c->tried - 1], NULL);
	pump(c);
}

static socklen_t address_of(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	*out = (struct sockaddr_storage){ .ss_family = ip->family };
	if (ip->family == AF_INET) {
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, ip->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, ip->bytes, 16);
	return sizeof(*v6);
}

/* The next address; when all have failed, so has the connection. */
static void connect_next(struct connection *c)
{
	const char *why = "none of its addresses answers";

	c->state = CONNECTING;
	while (c->tried < c->n_addresses) {
		struct sockaddr_storage a;
		socklen_t len = address_of(&c->addresses[c->tried++], c->port, &a);

		cleanup_fd(&c->server_fd);
		c->server_fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (c->server_fd < 0 || watch(c->server_fd, c, EPOLL_CTL_ADD) < 0)
			continue;
		c->connecting_ms = now_ms();
		if (connect(c->server_fd, (struct sockaddr *)&a, len) == 0) {
			begin(c);
			return;
		}
		if (errno == EINPROGRESS)
			return;
		why = strerror(errno);
	}
	end(c, why);
}

static void look_at_connect(struct connection *c)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(int), room = sizeof(a);
	int code = 0;

	if (getsockopt(c->server_fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0 || code)
		connect_next(c);
	else if (getpeername(c->server_fd, (struct sockaddr *)&a, &room) == 0)
		begin(c);
}

/* As many names are asked for at once as there are to be threads. */
static void ask_some(void)
{
	for (struct connection *c = f.all; c && f.asking < ASKING_MAX; c = c->next) {
		if (c->state != QUEUED)
			continue;
		c->asked = resolve_ask(c->name->text, c);
		if (!c->asked) {
			end(c, "the name could not be asked for");
			continue;
		}
		c->state = ASKING;
		f.asking++;
	}
}

static void use(struct connection *c, const struct ip *addresses, size_t n)
{
	memcpy(c->addresses, addresses, n * sizeof(*addresses));
	c->n_addresses = n;
	connect_next(c);
}

void forward_resolved(struct answer *a)
{
	struct connection *c = a->who;

	c->asked = false;
	if (c->state == ASKING) {
		f.asking--;
		c->state = QUEUED;
		memcpy(c->name->addresses, a->addresses, sizeof(a->addresses));
		c->name->n_addresses = a->n;
		c->name->good_until_ms = now_ms() + GOOD_MS;
		if (a->n)
			use(c, a->addresses, a->n);
		else
			end(c, a->why ? a->why : "it has no address");
	}
	ask_some();
}

/* ---- the beginning ---- */

static void start(struct connection *c, const struct host_wish *wish)
{
	if (wish->address.family)
		use(c, &wish->address, 1);
	else if (c->name->n_addresses && now_ms() < c->name->good_until_ms)
		use(c, c->name->addresses, c->name->n_addresses);
	else
		ask_some();
}

/* The address that the box has connected to is what our end of the connection has. */
static struct name *wanted(int fd, struct ip *to, uint16_t *port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	*to = (struct ip){ .family = AF_INET };
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 || a.sin_family != AF_INET)
		return NULL;
	memcpy(to->bytes, &a.sin_addr, 4);
	*port = ntohs(a.sin_port);
	return names_at(f.names, to);
}

static void refuse(int fd)
{
	const struct linger hard = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

static void take(int fd)
{
	_cleanup_fd_ int client = fd;
	const struct host_wish *wish;
	struct connection *c;
	struct ip to;
	uint16_t port = 0;
	struct name *name = wanted(fd, &to, &port);

	refuse(client); /* unless something comes of it */
	if (!name) {
		log_packet("tcp", &to, port);
		return;
	}
	wish = names_port(f.names, name, port);
	if (!wish) {
		log_connection("refused", name->text, port, NULL, "that port is not allowed");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c || watch(client, c, EPOLL_CTL_ADD) < 0) {
		free(c);
		return;
	}
	setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){ 0 }, sizeof(struct linger));
	*c = (struct connection){ .next = f.all,
				  .client_fd = TAKE_FD(client),
				  .server_fd = -1,
				  .name = name,
				  .port = port,
				  .since_ms = now_ms(),
				  .out.pipe = { -1, -1 },
				  .in.pipe = { -1, -1 } };
	f.all = c;
	f.n++;
	start(c, wish);
}

static int listen_to(bool listen)
{
	struct epoll_event ev = { .events = listen ? EPOLLIN : 0, .data.ptr = &f.listen_fd };

	f.full = !listen;
	return epoll_ctl(f.epoll_fd, EPOLL_CTL_MOD, f.listen_fd, &ev) < 0 ? -errno : 0;
}

int forward_open(struct names *n, int epoll_fd, int listen_fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &f.listen_fd };
	struct rlimit files;

	/* Each has two sockets and two pipes. */
	f.max = CONNECTIONS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 6 < f.max + 16)
		f.max = files.rlim_cur > 128 ? (unsigned)(files.rlim_cur / 6) - 16 : 1;
	f.names = n;
	f.epoll_fd = epoll_fd;
	f.listen_fd = listen_fd;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev) < 0 ? -errno : 0;
}

void forward_accept(void)
{
	for (int i = 0; i < ROUNDS && f.n < f.max; i++) {
		int fd = accept4(f.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			/* Where descriptors are out it waits until there are some again. */
			if (errno == EMFILE || errno == ENFILE) {
				f.starved = true;
				f.starved_ms = now_ms();
				listen_to(false);
			}
			return;
		}
		take(fd);
	}
	if (f.n >= f.max)
		listen_to(false);
}

void forward_ready(void *what)
{
	struct connection *c = what;

	if (what == &f.listen_fd)
		forward_accept();
	else if (c->state == CONNECTING)
		look_at_connect(c);
	else if (c->state == OPEN)
		pump(c);
}

/* ---- time ---- */

static void look_at_clock(struct connection *c, int64_t now)
{
	if (c->state == CONNECTING && c->tried < c->n_addresses &&
	    now - c->connecting_ms > CONNECT_MS)
		connect_next(c);
	if (c->state != OPEN && c->state != DEAD && now - c->since_ms > PATIENCE_MS)
		end(c, "it took too long");
}

int forward_tick(void)
{
	int64_t now = now_ms();
	bool waits = false;

	for (struct connection *c = f.all; c; c = c->next)
		look_at_clock(c, now);
	for (struct connection **at = &f.all; *at;) {
		struct connection *c = *at;

		if (c->state == DEAD && !c->asked) {
			*at = c->next;
			f.n--;
			f.starved = false;
			free(c);
			continue;
		}
		waits |= c->state != OPEN;
		at = &c->next;
	}
	/* Others may have closed theirs, too. */
	if (f.starved && now - f.starved_ms > 1000)
		f.starved = false;
	if (f.full && !f.starved && f.n < f.max)
		listen_to(true);
	return waits || f.starved ? 1000 : -1;
}

void forward_end(void)
{
	forward_accept();
	for (struct connection *c = f.all; c; c = c->next) {
		if (c->state == CONNECTING)
			look_at_connect(c);
		if (c->state == OPEN)
			pump(c);
		end(c, c->state == OPEN ? NULL : "the box has ended");
	}
}
