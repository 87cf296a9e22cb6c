# Sourced by every tool: where the tree is, words to people, root, Debian packages.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root
package_cache=/var/cache/drover/packages
export package_cache

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The comment at the head of the tool.
print_help() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$root/tools/${0##*/}"; }

# become_root "$@": runs the whole tool again as root when it is not.
become_root() {
    if ((EUID == 0)); then return; fi
    command -v sudo >/dev/null || fail "this needs root, and there is no sudo: run it as root"
    exec sudo -- "$0" "$@"
}

in_lab() { [[ -e /run/drover-lab ]]; }

runs_systemd() { [[ -d /run/systemd/system ]]; }

# package_list NAME...: the packages of tools/packages/NAME, one a line.
package_list() {
    local list
    for list in "$@"; do sed 's/#.*//' "$root/tools/packages/$list"; done | tr -s ' ' '\n' | sed '/^$/d'
}

missing_packages() {
    local package
    package_list "$@" | while read -r package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
    done
}

# install_packages LIST...: what of these lists is missing, from Debian. Nothing missing: no network, no waiting.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then return; fi
    if in_lab; then fail "packages are missing and the lab has no network: ${missing[*]}"; fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null
}

# promtool of Debian's package prometheus, whose installation would start a server on a host that serves others: the
# program alone is taken out of it.
promtool=/var/cache/drover/tools/promtool
export promtool
fetch_promtool() {
    if [[ -x $promtool ]] || command -v promtool >/dev/null; then return; fi
    if in_lab; then fail "promtool is missing and the lab has no network"; fi
    say "fetching promtool"
    local folder
    folder=$(mktemp -d)
    (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download prometheus)
    dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
    install -D "$folder/usr/bin/promtool" "$promtool.new"
    mv "$promtool.new" "$promtool"
    rm -rf "$folder"
}

# build_preset NAME [TARGET...]
build_preset() {
    local preset=$1
    shift
    cmake -S "$root" --preset "$preset" >/dev/null || fail "cmake --preset $preset failed"
    ninja -C "$root/build/$preset" "$@"
}

# udev gives /dev/kvm to the group kvm; where no udev runs, nobody does. libvirt then takes what it knows of QEMU for
# outdated, since it was learnt with KVM and QEMU's user cannot reach it, and asks QEMU anew at every define: seconds each.
kvm_out_of_reach() {
    [[ -c /dev/kvm ]] && getent passwd libvirt-qemu >/dev/null &&
        ! setpriv --reuid libvirt-qemu --regid kvm --clear-groups test -w /dev/kvm
}
