"""tools/lab: both drivers of libvirt work in it, and nothing of it is left."""
import pathlib
import subprocess

from drover import ROOT, sh

LAB = ROOT / "tools" / "lab"

GUESTS = r"""
set -eu
cat >/run/vm.xml <<E
<domain type='qemu'><name>trivial</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64'>hvm</type></os><devices><memballoon model='none'/></devices></domain>
E
root=/var/lib/trivial
mkdir -p $root/usr $root/proc $root/sys $root/dev $root/.oldroot
for folder in bin sbin lib lib64; do ln -s usr/$folder $root/$folder; done
mount --bind /usr $root/usr
cat >/run/container.xml <<E
<domain type='lxc'><name>trivial</name><memory unit='MiB'>32</memory>
<os><type>exe</type><init>/bin/sleep</init><initarg>1000</initarg></os>
<devices><filesystem type='mount'><source dir='$root'/><target dir='/'/></filesystem><console type='pty'/></devices>
</domain>
E
cat >/run/network.xml <<E
<network><name>trivial</name><bridge name='trivial-br'/><ip address='192.168.200.1' netmask='255.255.255.0'/></network>
E
virsh -q -c qemu:///system net-create /run/network.xml
virsh -q -c qemu:///system create /run/vm.xml
virsh -q -c lxc:/// create /run/container.xml
virsh -q -c qemu:///system domstate trivial
virsh -q -c lxc:/// domstate trivial
cat /run/drover-lab
"""


def what_there_is():
    """All that a lab could leave behind."""
    return {
        "links": sorted(link.name for link in pathlib.Path("/sys/class/net").iterdir()),
        "mounts": pathlib.Path("/proc/self/mounts").read_text(),
        "rules": sh("nft", "list", "ruleset"),
        "cgroups": sh("find", "/sys/fs/cgroup", "-type", "d", "-path", "*drover-lab*"),
        "processes": [line for line in sh("ps", "-eo", "args").splitlines() if "guest=trivial" in line],
        "files": sorted(
            str(path)
            for folder in ("/run", "/etc", "/usr/local", "/var/lib", "/var/lib/libvirt", "/var/log")
            for path in pathlib.Path(folder).iterdir()
        ),
    }


def test_both_drivers_run_in_a_lab_and_nothing_is_left():
    before = what_there_is()
    done = subprocess.run([LAB, "bash", "-c", GUESTS], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    vm, container, folder = done.stdout.split()
    assert (vm, container) == ("running", "running")
    assert what_there_is() == before
    assert not pathlib.Path(folder).exists()


def test_the_exit_status_is_the_commands():
    assert subprocess.run([LAB, "sh", "-c", "exit 7"]).returncode == 7
    assert subprocess.run([LAB, "no-such-command"], stderr=subprocess.DEVNULL).returncode == 127


def test_what_is_written_in_a_lab_stays_there():
    places = ["/etc/hosts", "/usr/local/probe", "/var/lib/drover-probe", "/var/lib/libvirt/probe", "/run/probe"]
    hosts = pathlib.Path("/etc/hosts").read_text()
    command = f"for place in {' '.join(places)}; do echo probe >>$place || exit 1; done"
    assert subprocess.run([LAB, "sh", "-c", command]).returncode == 0
    assert pathlib.Path("/etc/hosts").read_text() == hosts
    assert [place for place in places[1:] if pathlib.Path(place).exists()] == []
