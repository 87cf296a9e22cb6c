# Helpers for the `assemble` script of an image (see tiny/assemble). Sourced by bash. Everything made here depends on its
# inputs alone: same packages and same guest's end, same bytes.
set -euo pipefail
shopt -s inherit_errexit
umask 022
export LC_ALL=C
unset SOURCE_DATE_EPOCH

# A folder to work in, gone when the script ends.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "assemble: $*" >&2
    exit 1
}

# usr_merged ROOT: the folders of a root in which /bin, /sbin, /lib and /lib64 are links into /usr, and every folder that
# the guest's first program mounts something on, or libvirt's LXC driver needs.
usr_merged() {
    local root=$1 name
    for name in bin sbin lib lib64; do
        mkdir -p "$root/usr/$name"
        ln -s "usr/$name" "$root/$name"
    done
    mkdir -p "$root"/{.oldroot,dev,etc/drover,home,mnt,proc,root,run,sys,tmp,usr/libexec,usr/local,var/lib/drover,var/log}
    ln -s ../run "$root/var/run"
    chmod 0700 "$root/root" "$root/var/lib/drover"
    chmod 1777 "$root/tmp"
}

# libraries PACKAGES ROOT NAME...: shared libraries by their soname, and the program that loads them.
libraries() {
    local packages=$1 root=$2 name file
    shift 2
    install -D "$packages/lib64/ld-linux-x86-64.so.2" -t "$root/usr/lib64"
    for name in "$@"; do
        file=$(find "$packages" -path "*/lib/x86_64-linux-gnu/$name" -print -quit)
        [ -n "$file" ] || fail "no package brings the library $name"
        install -D -m 0644 "$file" "$root/usr/lib/x86_64-linux-gnu/$name"
    done
}

# busybox PACKAGES ROOT: busybox, and a link for each of its applets.
busybox() {
    local packages=$1 root=$2 applet folder
    install -D "$packages/bin/busybox" "$root/usr/bin/busybox"
    "$packages/bin/busybox" --list-full | sed 's,^usr/,,' | while read -r applet; do
        folder=$(dirname "$applet")
        [ "$folder" = bin ] || [ "$folder" = sbin ] || continue
        [ "$applet" = bin/busybox ] || ln -sf ../bin/busybox "$root/usr/$applet"
    done
}

# skeleton FOLDER ROOT: the files of an image's own. Of their modes only "executable" counts, as in a repository.
skeleton() {
    local folder=$1 root=$2 file mode
    (cd "$folder" && find . -type f) | while read -r file; do
        mode=0644
        [ ! -x "$folder/$file" ] || mode=0755
        install -D -m "$mode" "$folder/$file" "$root/$file"
    done
}

# kernel PACKAGES FILE
kernel() {
    local found
    found=$(find "$1/boot" -name 'vmlinuz-*' | sort | tail -n 1)
    [ -n "$found" ] || fail "no package brings boot/vmlinuz-*"
    install -m 0644 "$found" "$2"
}

# module_and_needs FOLDER NAME: files of a kernel module and of what it needs, those first. Nothing when it is built in.
module_and_needs() {
    local folder=$1 name=${2//[-_]/[-_]} file need needs
    grep -q "/$name\.ko$" "$folder/modules.builtin" && return
    file=$(find "$folder" -name "$name.ko" -print -quit)
    [ -n "$file" ] || fail "the kernel has no module $2"
    needs=$(modinfo -F depends "$file")
    for need in ${needs//,/ }; do module_and_needs "$folder" "$need"; done
    echo "$file"
}

# initrd PACKAGES GUEST_END FILE MODULE...: an initramfs with the guest's end as its first program, and these modules. Not
# compressed: it is small, and unpacking it would cost an emulated guest more than reading it.
initrd() {
    local packages=$1 guest_end=$2 file=$3 tree folder name path
    shift 3
    tree=$work/initrd
    folder=$(find "$packages" -type d -path '*/lib/modules/*' -print -quit)
    [ -n "$folder" ] || fail "no package brings lib/modules/*"
    install -D "$guest_end" "$tree/init"
    mkdir "$tree/modules"
    for name in "$@"; do module_and_needs "$folder" "$name"; done | awk '!seen[$0]++' | while read -r path; do
        install -m 0644 "$path" "$tree/modules/"
        basename "$path" >>"$tree/modules/order"
    done
    find "$tree" -exec touch -h -d @0 {} +
    (cd "$tree" && find . | sort | cpio --quiet --reproducible --owner 0:0 --format newc --create) >"$file"
}

# squash ROOT FILE [OPTION...]: the root as a squashfs. lz4, because a guest that is emulated pays for every byte that it
# unpacks: 0.06 s less to HELLO than with zstd, for 1.5 MB on the host.
squash() {
    mksquashfs "$@" -noappend -no-progress -quiet -mkfs-time 0 -all-time 0 -comp lz4 -Xhc >/dev/null
}

# pack_root ROOT FILE: one in which everything belongs to root.
pack_root() {
    squash "$1" "$2" -all-root -no-xattrs
}

# bootstrap ROOT: a Debian system of all packages that the recipe has under `install`, from their files alone, installed
# by their own scripts. mmdebstrap wants a repository: it gets one with nothing else in it.
bootstrap() {
    local root=$1 repository=$work/repository log=$work/mmdebstrap.log deb names
    mkdir "$repository"
    for deb in "$DROVER_INSTALL"/*.deb; do
        ln -s "$(readlink -f "$deb")" "$repository/${deb##*/}"
        dpkg-deb -f "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${deb##*/}" "$(stat -L -c %s "$deb")" \
            "$(sha256sum <"$deb" | cut -d ' ' -f 1)"
    done >"$repository/Packages"
    names=$(sed -n 's/^Package: //p' "$repository/Packages" | paste -s -d ,)
    # The date is Debian 12's: some scripts write today's into files.
    SOURCE_DATE_EPOCH=1686355200 mmdebstrap --mode=root --variant=essential --include="$names" \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --aptopt='Apt::Install-Recommends "0"' \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/man/*/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        '' "$root" "deb [trusted=yes] copy:$repository ./" >"$log" 2>&1 ||
        fail "mmdebstrap failed: $(grep -m 1 -B 5 -E '^(dpkg: error|E:)' "$log")"
    rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
}
