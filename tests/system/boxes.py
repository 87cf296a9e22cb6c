"""What containers leave on the host, and how they are seen from there."""
import base64
import pathlib
import subprocess

from drover import lxc, sh

FIRST_UID = 1879048192  # containers.first_uid
PROCESSES = 512  # containers.processes
LIMITS = pathlib.Path("/sys/fs/cgroup/pids/machine")

PRIVILEGED = r"""
extern "C" void _start() {
    long user;
    asm volatile("syscall" : "=a"(user) : "a"(107) : "rcx", "r11", "memory");  // geteuid
    asm volatile("syscall" : : "a"(60), "D"(user == 0 ? 0 : 1));               // exit
}
"""


def privileged(folder):
    """A program that ends with 0 when its effective user is root, as text for a shell's base64."""
    program = folder / "privileged"
    command = ["g++", "-x", "c++", "-nostdlib", "-static", "-Os", "-s", "-Wl,--build-id=none,-n,-z,noseparate-code", "-o", program, "-"]
    subprocess.run(command, input=PRIVILEGED, text=True, check=True)
    return base64.b64encode(program.read_bytes()).decode()


def processes(domain):
    """Ids of the processes of a container, as the host counts them."""
    group = LIMITS / domain / "cgroup.procs"
    return [int(line) for line in group.read_text().split()] if group.exists() else []


def users(domain):
    """Real users, on the host, of the processes of a container."""
    found = set()
    for process in processes(domain):
        status = pathlib.Path(f"/proc/{process}/status")
        if status.exists():
            line = next(line for line in status.read_text().splitlines() if line.startswith("Uid:"))
            found.add(int(line.split()[1]))
    return found


def controller(domain):
    """Process id of libvirt's controller of the container."""
    return int(next(line.split()[0] for line in sh("ps", "-eo", "pid,args").splitlines()
                    if f"libvirt_lxc --name {domain} " in line))


def traces(drover):
    """All that containers of this instance have on the host; empty when nothing is left."""
    mounts = pathlib.Path("/proc/self/mounts").read_text().splitlines()
    return {
        "domains": lxc("list", "--all", "--name").split(),
        "processes": drover.guest_processes(),
        "veths": drover.bridge_ports(),
        "loops": [line for line in sh("losetup", "-a").splitlines() if f"{drover.state}/overlays" in line],
        "mounts": [line for line in mounts if f"{drover.socket.parent}/containers/" in line],
        "limits": [group.name for group in LIMITS.glob(f"{drover.instance}-*")],
        "overlays": drover.overlays(),
    }
