# A Debian system for guests, sourced after lib.sh by the assemble of debian and of what builds upon it.
# shellcheck shell=bash

# system ROOT GUEST_END: the recipe's packages as they are after their installation, made into what many guests share.
system() {
    local root=$1 guest_end=$2
    bootstrap "$root"
    unsealed "$root"
    quiet "$root"
    install -D "$guest_end" "$root/usr/libexec/drover-guest"
    skeleton "$DROVER_IMAGES/debian/root" "$root"
    of_the_root "$root"
    of_the_guest "$root"
    web_server "$root"
    echo 'session optional pam_exec.so quiet /usr/libexec/drover/password-used' >>"$root/etc/pam.d/login"
    wanted "$root/usr/lib/systemd/system" multi-user.target drover-guest.service drover-identified.path acpid.service
    wanted "$root/usr/lib/systemd/system" multi-user.target drover-console.service
    wanted "$root/etc/systemd/system" sockets.target ssh.socket
    wanted "$root/etc/systemd/system" multi-user.target cron.path
    ln -sf multi-user.target "$root/usr/lib/systemd/system/default.target"
}

# finish PACKAGES ROOT GUEST_END OUT
finish() {
    local packages=$1 root=$2 guest_end=$3 out=$4
    squash "$root" "$out/root.squashfs"
    kernel "$packages" "$out/vmlinuz"
    initrd "$packages" "$guest_end" "$out/initrd" \
        virtio_pci virtio_blk virtio_console virtio_net squashfs overlay button evdev
}

# What an installation leaves behind that is a guest's own, a secret, or different every time.
unsealed() {
    local root=$1
    rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/lib/dbus/machine-id "$root"/var/lib/systemd/random-seed
    rm -f "$root"/etc/{passwd,group,shadow,gshadow,subuid,subgid}- "$root"/etc/.pwd.lock "$root"/var/lib/dpkg/*-old
    (cd "$root" && rm -rf dev/* run/* tmp/* var/tmp/* var/backups/* var/lib/apt/lists/* var/log/journal)
    find "$root/var/log" "$root/var/cache" -type f -delete
    : >"$root/etc/machine-id"
}

# systemd starts what is named here, and nothing else that a package brings: no timers, no terminals that nobody sits
# at, no search for hardware. What a guest wants of its packages is enabled by name.
quiet() {
    local root=$1 unit generator
    find "$root/etc/systemd/system" -mindepth 1 -delete
    find "$root/usr/lib/systemd/system" -path '*.wants/*' | while read -r unit; do
        case ${unit##*/} in
        systemd-journald.service | systemd-journald.socket | systemd-journald-dev-log.socket) ;;
        systemd-tmpfiles-setup.service | systemd-sysctl.service | dev-mqueue.mount) ;;
        *) rm "$unit" ;;
        esac
    done
    mkdir -p "$root/etc/systemd/system-generators"
    for generator in "$root"/usr/lib/systemd/system-generators/*; do
        ln -s /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
    done
    rm -f "$root"/usr/lib/tmpfiles.d/systemd-nologin.conf "$root"/etc/cron.*/*
    rm -f "$root"/etc/update-motd.d/* "$root"/etc/motd
    ln -sf ../proc/self/mounts "$root/etc/mtab"
}

# Part of the root although Debian has it in /var: a guest's own copy would grow old.
of_the_root() {
    local root=$1 tool
    mv "$root/var/lib/dpkg" "$root/usr/lib/dpkg/db"
    ln -s ../../usr/lib/dpkg/db "$root/var/lib/dpkg"
    for tool in apt apt-get; do
        mv "$root/usr/bin/$tool" "$root/usr/libexec/drover/$tool"
        ln -s ../libexec/drover/packages "$root/usr/bin/$tool"
    done
}

# Which libraries the loader finds is each guest's to say: programs of its own bring some.
of_the_guest() {
    local root=$1
    mkdir -p "$root"/.oldroot "$root"/usr/local/{etc/rc.d,lib/systemd/system} "$root"/var/lib/drover
    chmod 0700 "$root/var/lib/drover"
    mv "$root"/etc/ld.so.{conf,cache} "$root/usr/local/etc/"
    ln -s /usr/local/etc/ld.so.conf "$root/etc/ld.so.conf"
    ln -s /usr/local/etc/ld.so.cache "$root/etc/ld.so.cache"
    mv "$root/usr/sbin/ldconfig" "$root/usr/libexec/drover/ldconfig"
    ln -s ../libexec/drover/libraries "$root/usr/sbin/ldconfig"
}

# The web server's tree is each guest's own; what is a link in it is the shared root's.
web_server() {
    local root=$1 httpd=$1/usr/local/httpd tool
    mkdir -p "$httpd"/{bin,cgi-bin,conf/extra,htdocs,logs}
    ln -s /usr/sbin/apache2 "$httpd/bin/httpd"
    for tool in ab htdigest htpasswd logresolve; do ln -s "/usr/bin/$tool" "$httpd/bin/$tool"; done
    ln -s /usr/lib/apache2/modules "$httpd/libexec"
    ln -s /etc/mime.types "$httpd/conf/mime.types"
    wanted "$root/etc/systemd/system" multi-user.target apache2.service
}

# wanted FOLDER TARGET UNIT...: TARGET starts these. FOLDER is below /etc for what a user may disable.
wanted() {
    local folder=$1/$2.wants unit
    shift 2
    mkdir -p "$folder"
    for unit in "$@"; do ln -s "/usr/lib/systemd/system/$unit" "$folder/$unit"; done
}
