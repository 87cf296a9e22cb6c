"""Other people's routers: network namespaces with FRR in them, and the host's own FRR, each under a name of its own."""
import contextlib
import pathlib
import re
import shutil

from drover import sh, wait_until

FRR = pathlib.Path("/usr/lib/frr")

class Router:
    """FRR with OSPF in a namespace; in the one that we are in without `namespace`."""

    def __init__(self, name, namespace=True):
        self.name = name
        self.within = ["ip", "netns", "exec", name] if namespace else []
        self.folders = [pathlib.Path("/var/run/frr") / name, pathlib.Path("/etc/frr") / name]
        if namespace:
            sh("ip", "netns", "add", name)
            self.sh("ip", "link", "set", "lo", "up")
            self.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def sh(self, *words):
        return sh(*self.within, *words)

    def start(self, *daemons):
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.chown(folder, "frr", "frr")
        for daemon in daemons or ("zebra", "ospfd"):
            self.sh(FRR / daemon, "-d", "-N", self.name, "-A", "127.0.0.1", "-P", "0")
        wait_until(lambda: self.vtysh("show version", check=False), f"FRR of {self.name} answers")

    def stop(self):
        for file in self.folders[0].glob("*.pid"):
            pid = file.read_text().strip()
            sh("kill", pid, check=False)
            wait_until(lambda: not pathlib.Path(f"/proc/{pid}/exe").exists(), f"{file.stem} of {self.name} is gone")
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self):
        self.stop()
        if self.within:
            sh("ip", "netns", "del", self.name, check=False)

    def vtysh(self, *commands, check=True):
        words = [word for command in commands for word in ("-c", command)]
        return sh("vtysh", "-N", self.name, *words, check=check)

    def neighbours_at(self, *interfaces):
        """OSPF on these, quick to notice."""
        self.vtysh("configure terminal", "router ospf")
        for interface in interfaces:
            self.vtysh("configure terminal", f"interface {interface}", "ip ospf area 0", "ip ospf hello-interval 1",
                       "ip ospf dead-interval 4")

    def knows(self, prefix):
        return re.search(rf"^{re.escape(prefix)} ", self.sh("ip", "route"), re.M) is not None


def cable(one, name, address, other, other_name, other_address):
    """A cable between two routers."""
    sh("ip", "link", "add", name, "type", "veth", "peer", "name", other_name)
    for router, end, its in ((one, name, address), (other, other_name, other_address)):
        if router.within:
            sh("ip", "link", "set", end, "netns", router.name)
        router.sh("ip", "addr", "add", its, "dev", end)
        router.sh("ip", "link", "set", end, "up")


@contextlib.contextmanager
def routers(*names):
    """This host's FRR, and one for each name."""
    all_of_them = []
    try:
        all_of_them.append(Router("host", namespace=False))
        all_of_them += [Router(name) for name in names]
        for router in all_of_them:
            router.start()
        yield all_of_them
    finally:
        for router in reversed(all_of_them):
            router.remove()
