# Sourced by tools/up: libvirtd and droverd, under systemd or by hand. What was started here, and only that, is stopped here.
# shellcheck shell=bash
started_libvirt=/run/drover-up.libvirt # exists: libvirtd was not running before
config_mark="# Written by tools/up. Other settings: share/drover/schema/configuration.md"

# name_instance NAME: sets config, state, socket, run_folder, log, as CONTRACT and the configuration have them.
name_instance() {
    local suffix=
    if [[ $1 != drover ]]; then suffix=-$1; fi
    config=/etc/drover/$1.yaml
    state=$(configured state "/var/lib/drover$suffix")
    run_folder=/run/drover$suffix
    socket=$(configured socket "$run_folder/drover.sock")
    unit=droverd@$1.service
    guests_unit=drover-guests@$1.service
    log=/var/log/drover/$1.log
    ssh_options=(-i "/etc/drover/$1-demo/key" -o "UserKnownHostsFile=/etc/drover/$1-demo/known_hosts"
        -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20)
    export unit guests_unit log ssh_options
}

# configured KEY DEFAULT: a path at the top level of the configuration.
configured() {
    local value=
    if [[ -e $config ]]; then value=$(sed -n "s/^$1:[[:space:]]*\([^[:space:]#]*\).*/\1/p" "$config" | tr -d "\"'"); fi
    echo "${value:-$2}"
}

# await SECONDS WHAT COMMAND...: polls until the command succeeds.
await() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || fail "$what does not answer: $("$@" 2>&1 | tail -1)"
        sleep 0.1
    done
}

# ---- libvirtd

libvirt_answers() { timeout 10 virsh -q -c qemu:///system version; }

start_libvirt() {
    if kvm_out_of_reach; then chgrp kvm /dev/kvm && chmod 660 /dev/kvm; fi
    if libvirt_answers >/dev/null 2>&1; then return; fi
    if runs_systemd; then
        systemctl start libvirtd.service
    else
        virtlogd -d 2>/dev/null || pgrep --ns $$ --nslist pid -x virtlogd >/dev/null || fail "virtlogd does not start"
        start_libvirtd_by_hand
    fi
    touch "$started_libvirt"
    await 30 libvirtd libvirt_answers
}

# On hybrid cgroups its container driver fails where it sees `unified`: it gets mounts of its own, without.
start_libvirtd_by_hand() {
    if ! mountpoint -q /sys/fs/cgroup/unified; then libvirtd -d && return; fi
    unshare --mount --propagation slave sh -c 'umount /sys/fs/cgroup/unified && exec libvirtd -d'
}

# What droverd mounts for a container is for libvirtd to see.
beside_libvirtd() {
    local pid
    pid=$(live_pid /run/libvirtd.pid libvirtd)
    if [[ -z $pid ]]; then exec "$@"; fi
    exec nsenter --mount="/proc/$pid/ns/mnt" -- "$@"
}

domains_of() {
    { virsh -q -c qemu:///system list --all --name && virsh -q -c lxc:/// list --all --name; } 2>/dev/null | grep "^$1-" || true
}

anything_runs() {
    local uri
    for uri in qemu:///system lxc:///; do
        if [[ -n $(virsh -q -c "$uri" list --name 2>/dev/null | sed '/^$/d') ]]; then return 0; fi
    done
    [[ -n $(virsh -q -c qemu:///system net-list --name 2>/dev/null | sed '/^$/d') ]]
}

# A libvirtd that goes while networks are up leaves their dnsmasq behind, so it stays while anything runs.
stop_libvirt() {
    if [[ ! -e $started_libvirt ]]; then return; fi
    if anything_runs || pgrep --runstates D,R,S --ns $$ --nslist pid -x droverd >/dev/null; then
        say "left alone: libvirtd, something runs on it"
        return
    fi
    if runs_systemd; then
        systemctl stop libvirtd.service
    else
        end_process /run/libvirtd.pid libvirtd
        end_process /run/virtlogd.pid virtlogd
    fi
    rm -f "$started_libvirt"
}

# ---- droverd

client_answers() { DROVER_SOCKET=$socket timeout 10 drover list --json; }

start_droverd() {
    if runs_systemd; then start_droverd_unit; else start_droverd_by_hand; fi
    await_droverd
    if runs_systemd; then systemctl start "$guests_unit"; fi
}

start_droverd_unit() {
    local name
    for name in droverd drover-guests; do
        install -D -m 644 "$root/provisioner/daemon/$name@.service" "/etc/systemd/system/$name@.service"
    done
    mkdir -p "/etc/systemd/system/$guests_unit.d"
    printf '[Service]\nEnvironment=DROVER_SOCKET=%s\n' "$socket" >"/etc/systemd/system/$guests_unit.d/socket.conf"
    systemctl daemon-reload
    systemctl enable -q "$unit" "$guests_unit"
    if runs_old_program "$(systemctl show -P MainPID "$unit")"; then systemctl restart "$unit"; fi
    systemctl start "$unit"
}

start_droverd_by_hand() {
    local pid
    pid=$(droverd_pid)
    if [[ -n $pid ]] && runs_old_program "$pid"; then stop_droverd && pid=; fi
    if [[ -n $pid ]]; then return; fi
    mkdir -p "$run_folder" "${log%/*}"
    beside_libvirtd setsid droverd --config "$config" >>"$log" 2>&1 </dev/null &
    echo $! >"$run_folder/droverd.pid"
}

# The pid of the running daemon that was started by hand, or nothing.
droverd_pid() { live_pid "$run_folder/droverd.pid" droverd; }

# An upgraded program replaced the file that this process runs.
runs_old_program() { [[ $(readlink "/proc/$1/exe" 2>/dev/null) == *' (deleted)' ]]; }

await_droverd() {
    local deadline=$((SECONDS + 60))
    until client_answers >/dev/null 2>&1; do
        if ! runs_systemd && ! kill -0 "$(<"$run_folder/droverd.pid")" 2>/dev/null; then
            tail -5 "$log" >&2
            fail "droverd ended: $log"
        fi
        ((SECONDS < deadline)) || fail "droverd does not answer at $socket: $(client_answers 2>&1 | tail -1)"
        sleep 0.1
    done
}

stop_droverd() {
    if runs_systemd; then
        systemctl disable -q "$guests_unit"
        systemctl disable -q --now "$unit"
    else
        end_process "$run_folder/droverd.pid" droverd
    fi
}

# ---- processes by pid file

# live_pid FILE NAME: the pid in the file if that is a process of this name, and none that is dead and awaited by nobody.
live_pid() {
    local pid name state
    if pid=$(cat "$1" 2>/dev/null) && read -r _ name state _ 2>/dev/null <"/proc/$pid/stat" &&
        [[ $name == "($2)" && $state != [ZX] ]]; then echo "$pid"; fi
}

end_process() {
    local pid deadline=$((SECONDS + 60))
    pid=$(live_pid "$1" "$2")
    if [[ -z $pid ]]; then return; fi
    kill -TERM "$pid"
    while [[ -n $(live_pid "$1" "$2") ]]; do
        ((SECONDS < deadline)) || fail "$2 (pid $pid) does not end: kill -9 $pid"
        sleep 0.1
    done
    rm -f "$1"
}

mounts_below() { awk -v folder="$1/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | tac; }
