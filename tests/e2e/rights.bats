#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Capabilities, no_new_privs, seccomp, Landlock: asked of the kernel by doing what they forbid.

load helpers

py()
{
	need_python
	run "$HOLM" box "$@"
	echo "$output"
}

# ---- capabilities ----

# bats test_tags=quick
@test "no capability, bounding set and ambient set empty where it matters" {
	run -0 "$HOLM" box --user root -- sh -c 'grep -E "^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp):" /proc/self/status | tr "\t" " "'
	[ "$output" = "CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1
Seccomp: 2" ]
}

# bats test_tags=quick
@test "option --cap: what is kept can be used, and nothing else; also by who is not root" {
	run -0 "$HOLM" box --cap net_admin,net_raw -- sh -c 'grep ^Cap /proc/self/status | cut -f 2 | sort -u'
	[ "$output" = 0000000000003000 ]
	need ip
	run -0 as_user "$HOLM" box --cap net_admin -- sh -c 'ip link set lo mtu 9000; cat /sys/class/net/lo/mtu; ip link show lo'
	[[ $output == *"mtu 9000"* ]]
	run "$HOLM" box --user root -- ip link set lo mtu 9000
	[[ $output == *"not permitted"* ]]
}

@test "a capability counts in the box's own namespaces only" {
	need_root
	before=$(uname -n)
	run "$HOLM" box --user root --share uts --cap sys_admin --seccomp none -- hostname changed
	[ "$status" != 0 ]
	run "$HOLM" box --user root --share net --cap net_admin --seccomp none -- ip link set lo mtu 65000
	[ "$status" != 0 ]
	run "$HOLM" box --user root --cap sys_time --seccomp none -- date -s @0
	[[ $output == *"not permitted"* ]]
	run "$HOLM" box --user root --cap sys_nice --seccomp none -- nice -n -5 true
	[[ $output == *"ermission denied"* || $output == *"cannot set niceness"* ]]
	run "$HOLM" box --user root --cap mknod --seccomp none -- mknod /tmp/null c 1 3
	[ "$status" != 0 ]
	[ "$(uname -n)" = "$before" ]
}

# ---- seccomp ----

# bats test_tags=quick
@test "the default filter: what is forbidden says EPERM, what is unknown ENOSYS" {
	py -- python3 -c '
import ctypes, os, errno
c = ctypes.CDLL(None, use_errno=True)
def call(n, *a):
    r = c.syscall(ctypes.c_long(n), *[ctypes.c_void_p(x) for x in a])
    return "ok" if r >= 0 else errno.errorcode[ctypes.get_errno()]
print(call(435, 0, 0), call(39), call(272, 0x10000000), call(56, 0x10000000), call(425, 1, 0), call(175, 0, 0, 0))
print(call(100000), call(135, 0xffffffff), call(135, 0x40000))'
	[ "${lines[0]}" = "ENOSYS ok EPERM EPERM EPERM EPERM" ]
	[[ ${lines[1]} == *" ok EPERM" ]]
}

@test "the default filter: 32-bit and x32 system calls do not get past it" {
	need gcc
	cat >"$T/old.c" <<-'END'
		#include <stdio.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			long r;
			if (argc > 1 && !strcmp(argv[1], "x32"))
				r = syscall(0x40000000 + 39); /* getpid of x32 */
			else
				__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); /* getpid of i386 */
			printf("%ld\n", r);
			return 0;
		}
	END
	[ "$(uname -m)" = x86_64 ] || skip "needs x86_64"
	gcc -static -o "$T/old" "$T/old.c"
	run "$HOLM" box "$T/old" i386
	echo "$status $output"
	[[ $output != 2 ]]
	run "$HOLM" box "$T/old" x32
	[[ $output != 2 ]]
}

# bats test_tags=quick
@test "option --seccomp none: no filter" {
	run -0 "$HOLM" box --seccomp none -- sh -c 'grep ^Seccomp: /proc/self/status | cut -f 2'
	[ "$output" = 0 ]
}

# bats test_tags=quick
@test "option --seccomp FILE: an OCI profile" {
	cat >"$T/f.json" <<-'END'
		{ "defaultAction": "SCMP_ACT_ALLOW",
		  "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 } ] }
	END
	run "$HOLM" box --seccomp "$T/f.json" -- sh -c 'mkdir /tmp/x || touch /tmp/y && ls /tmp'
	[[ $output == *"Function not implemented"*$'\n'y ]]
	sed -i 's/ERRNO", "errnoRet": 38/KILL_PROCESS"/' "$T/f.json"
	run -159 "$HOLM" box --seccomp "$T/f.json" -- mkdir /tmp/x
}

@test "option --seccomp FILE: a compiled filter" {
	need_python
	python3 - "$T/f.bpf" <<-'END'
		import struct, sys
		# Load the number; 83 (mkdir), 258 (mkdirat): errno 17; else allow.
		i = lambda code, jt, jf, k: struct.pack("=HBBI", code, jt, jf, k)
		open(sys.argv[1], "wb").write(i(0x20, 0, 0, 0) + i(0x15, 1, 0, 83) + i(0x15, 0, 1, 258) +
		                              i(6, 0, 0, 0x50000 | 17) + i(6, 0, 0, 0x7fff0000))
	END
	[ "$(uname -m)" = x86_64 ] || skip "needs x86_64"
	run "$HOLM" box --seccomp "$T/f.bpf" -- mkdir /tmp/x
	[[ $output == *"File exists"* ]]
}

@test "option --seccomp FILE: what is no filter is refused" {
	echo '{ "defaultAction": "SCMP_ACT_FLY" }' >"$T/f.json"
	refused 125 "SCMP_ACT_FLY" --seccomp "$T/f.json" -- true
	echo '{ "syscalls": [' >"$T/f.json"
	refused 125 "$T/f.json" --seccomp "$T/f.json" -- true
	echo abc >"$T/f.bpf"
	refused 125 "multiple of 8" --seccomp "$T/f.bpf" -- true
	head -c 80 /dev/urandom >"$T/f.bpf"
	refused 125 "seccomp" --seccomp "$T/f.bpf" -- true
	: >"$T/f.bpf"
	refused 125 "seccomp" --seccomp "$T/f.bpf" -- true
}

# bats test_tags=quick
@test "threads, subprocesses, sockets, shared memory and numbers of CPUs work under the default filter" {
	py -- python3 -c '
import concurrent.futures, multiprocessing, os, socket, subprocess, tempfile, threading
t = threading.Thread(target=print, args=("thread",)); t.start(); t.join()
print(subprocess.run(["echo", "child"], stdout=subprocess.PIPE).stdout.decode().strip())
with multiprocessing.get_context("spawn").Pool(2) as p:
    print(sum(p.map(abs, [-1, -2])))
a, b = socket.socketpair(); a.send(b"x"); print(b.recv(1))
with tempfile.NamedTemporaryFile() as f: f.write(b"x")
print(len(os.sched_getaffinity(0)) > 0)'
	[ "$output" = $'thread\nchild\n3\nb\'x\'\nTrue' ]
}

# ---- Landlock ----

landlock()
{
	"$HOLM" doctor | grep -q 'Landlock  *ABI' || skip "needs Landlock"
}

# bats test_tags=quick
@test "option --landlock: only these paths, in these ways" {
	landlock
	dir=$(user_dir d)
	echo x >"$dir/f"
	chmod 666 "$dir/f"
	run as_user "$HOLM" box --bind "$dir:/d" --cwd /d --landlock rx:/usr --landlock ro:/d --landlock rw:/tmp -- sh -c '
		cat f; touch g && echo touched; echo y >f; echo z >/tmp/f && cat /tmp/f
		ls /etc; ls /run; rm f; cp /usr/bin/true /tmp/t && /tmp/t && echo ran'
	echo "$output"
	[[ $output == x$'\n'* && $output == *$'\nz\n'* ]]
	[[ $output != *ran* && $output != *touched* ]]
	[ "$(grep -c "ermission denied" <<<"$output")" = 6 ]
	[ "$(cat "$dir/f")" = x ]
}

@test "option --landlock: all lets everything be done there" {
	landlock
	run -0 as_user "$HOLM" box --landlock rx:/usr --landlock all:/tmp -- sh -c '
		cp /usr/bin/true /tmp/t && /tmp/t && mkdir /tmp/d && mv /tmp/t /tmp/d && rm -r /tmp/d && echo fine'
	[ "$output" = fine ]
}

@test "option --landlock without the command's own directory: 126, not started" {
	landlock
	refused 126 "Permission denied" --landlock rw:/tmp -- true
}
