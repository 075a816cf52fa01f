#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Slurm with holm-oci: a munged, a slurmctld and a slurmd of the test's own on a bridge of its own (Slurm
# wants an address that is not loopback), whose files lie below $D.
# serial: daemons, a bridge, cgroups

load engine

ADDRESS=10.213.80.1

setup_file() {
	engine_setup_file
	S=$D/slurm
	BRIDGE=hslurm$$
	export S BRIDGE SLURM_CONF=$S/slurm.conf
	is_root && have munged slurmctld slurmd srun ip jq || return 0
	mkdir -p "$S/state" "$S/spool" "$S/run"
	install -d -m 700 "$S/munge"
	ip link add "$BRIDGE" type bridge && ip addr add $ADDRESS/24 dev "$BRIDGE" && ip link set "$BRIDGE" up || return 0
	head -c 1024 /dev/urandom >"$S/munge/key"
	chmod 600 "$S/munge/key"
	slurm_conf
	daemon munged munged --force --foreground --key-file="$S/munge/key" --socket="$S/munge.socket" \
		--pid-file="$S/munged.lock" --log-file="$S/munged.log" --seed-file="$S/munge/seed"
	eventually test -S "$S/munge.socket"
	daemon slurmctld slurmctld -D -f "$SLURM_CONF"
	daemon slurmd slurmd -D -f "$SLURM_CONF"
	eventually idle || return 0
	make_bundle
}

# daemon NAME COMMAND...
daemon() {
	"${@:2}" >"$S/$1.out" 2>&1 3>&- &
	echo $! >"$D/$1.pid"
}

idle() {
	[ "$(timeout 5 sinfo -h -o %T 2>/dev/null)" = idle ]
}

slurm_conf() {
	cat >"$SLURM_CONF" <<-END
		ClusterName=holmtest
		SlurmctldHost=$(hostname)($ADDRESS)
		SlurmctldPort=26817
		SlurmdPort=26818
		SlurmUser=root
		SlurmdUser=root
		AuthInfo=socket=$S/munge.socket
		MpiDefault=none
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		ReturnToService=2
		KillWait=2
		SlurmctldPidFile=$S/slurmctld.lock
		SlurmdPidFile=$S/slurmd.lock
		SlurmdSpoolDir=$S/spool
		StateSaveLocation=$S/state
		SlurmctldLogFile=$S/slurmctld.log
		SlurmdLogFile=$S/slurmd.log
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU
		NodeName=$(hostname) NodeAddr=$ADDRESS CPUs=1 State=UNKNOWN
		PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	END
	# exec: what Slurm signals is then holm-oci, which hands it on, and not a shell that ends alone.
	cat >"$S/oci.conf" <<-END
		RunTimeQuery="$OCI --root=$S/run state %n.%u.%j.%s.%t"
		RunTimeKill="$OCI --root=$S/run kill --all %n.%u.%j.%s.%t"
		RunTimeDelete="$OCI --root=$S/run delete --force %n.%u.%j.%s.%t"
		RunTimeRun="exec $OCI --root=$S/run run --bundle=%b %n.%u.%j.%s.%t"
	END
}

make_bundle() {
	mkdir "$D/bundle"
	mv "$D/rootfs" "$D/bundle/rootfs"
	"$OCI" spec --bundle "$D/bundle"
	jq '.process.terminal = false | .root.readonly = false | .hostname = "inside"
		| .linux.resources.pids.limit = 33' "$D/bundle/config.json" >"$D/bundle/new"
	mv "$D/bundle/new" "$D/bundle/config.json"
}

teardown_file() {
	local id

	for id in $("$OCI" --root "$S/run" list -q 2>/dev/null); do
		"$OCI" --root "$S/run" delete --force "$id"
	done
	for name in slurmd slurmctld munged; do
		[ ! -e "$D/$name.pid" ] || end_daemon "$D/$name.pid"
	done
	! is_root || ip link del "$BRIDGE" 2>/dev/null || :
	engine_teardown_file
}

setup() {
	need_root
	need munged slurmctld slurmd srun ip jq
	idle || skip "Slurm does not start here: $(tail -n 1 "$S/slurmd.log" "$S/slurmctld.log" 2>/dev/null)"
	cd "$D" || return 1
}

job() {
	timeout 30 srun --export=NONE --container="$D/bundle" "$@"
}

nothing_runs() {
	[ "$("$OCI" --root "$S/run" list -q)" = "" ]
}

@test "srun --container: output, input, exit code, the container's own namespaces" {
	run -0 job sh -c 'echo $(cat /proc/1/comm) $(hostname) $(id -u); cat /proc/self/cgroup >/dev/null'
	[ "$output" = "sh inside 0" ]
	[ "$(echo given | job cat)" = given ]
	run -6 job sh -c 'exit 6'
	[ "$(job readlink /proc/self/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]
	nothing_runs
}

@test "scancel ends a container, and what is left of it can be deleted" {
	local pid id

	job --job-name sleeper sh -c 'exec sleep 77' >"$D/out" 2>&1 3>&- &
	pid=$!
	eventually sh -c "[ \"\$('$OCI' --root '$S/run' list -q | wc -l)\" = 1 ]"
	id=$("$OCI" --root "$S/run" list -q)
	[ "$(cg_file pids "$id" pids.max)" = 33 ]
	scancel --name sleeper
	eventually gone "$pid"
	eventually no_process_of "sleep 77"
	# Slurm ended holm-oci with the container, by SIGKILL.
	"$OCI" --root "$S/run" delete --force "$id"
	nothing_of "$id"
	nothing_runs
}
