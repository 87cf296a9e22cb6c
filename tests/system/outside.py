"""Hosts outside of the guests' networks, as network namespaces inside the lab, and a small program for guests that
serves, sends frames of any sort, and listens to all."""
import contextlib
import ctypes
import json
import pathlib
import socket
import subprocess
import threading

from drover import sh, virsh, wait_until

CLONE_NEWNET = 0x40000000
HOST = "192.0.2.1"  # the lab, on the outside's line
SELF = "192.0.2.2"
HOST6, SELF6 = "2001:db8:2::1", "2001:db8:2::2"

PROGRAM = r"""
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int type, int port) {  /* says back what it is told */
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};  /* of both families */
    int one = 1, door = socket(AF_INET6, type, 0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(door, (void *)&at, sizeof at) != 0) exit(1);
    char text[2048];
    if (type == SOCK_DGRAM)
        for (;;) {
            struct sockaddr_in6 from;
            socklen_t size = sizeof from;
            ssize_t n = recvfrom(door, text, sizeof text, 0, (void *)&from, &size);
            if (n >= 0) sendto(door, text, n, 0, (void *)&from, size);
        }
    listen(door, 100);
    for (;;) {
        int caller = accept(door, 0, 0);
        if (fork() == 0) {
            ssize_t n;
            while ((n = read(caller, text, sizeof text)) > 0) write(caller, text, n);
            exit(0);
        }
        close(caller);
    }
}

static int line(const char *device) {
    int all = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(device)};
    if (all < 0 || bind(all, (void *)&at, sizeof at) != 0) { perror(device); exit(1); }
    return all;
}

int main(int argc, char **argv) {
    setvbuf(stdout, 0, _IONBF, 0);
    if (!strcmp(argv[1], "serve")) {
        if (fork()) return 0;
        setsid();
        for (int i = 0; i < 3; ++i) close(i);
        serve(!strcmp(argv[2], "udp") ? SOCK_DGRAM : SOCK_STREAM, atoi(argv[3]));
    }
    if (!strcmp(argv[1], "send")) {  /* DEVICE, then frames in hex */
        int all = line(argv[2]);
        for (int a = 3; a < argc; ++a) {
            unsigned char frame[2048];
            size_t n = strlen(argv[a]) / 2;
            for (size_t i = 0; i < n; ++i) sscanf(argv[a] + 2 * i, "%2hhx", frame + i);
            if (send(all, frame, n, 0) < 0) perror("send");
        }
    }
    if (!strcmp(argv[1], "hear")) {  /* DEVICE: every frame that comes, in hex */
        int all = line(argv[2]);
        for (;;) {
            unsigned char frame[2048];
            struct sockaddr_ll from;
            socklen_t size = sizeof from;
            ssize_t n = recvfrom(all, frame, sizeof frame, 0, (void *)&from, &size);
            if (n < 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
            for (ssize_t i = 0; i < n; ++i) printf("%02x", frame[i]);
            printf("\n");
        }
    }
    return 0;
}
"""


class Namespace:
    """A network namespace with a line to the lab; sockets made in it stay in it."""

    def __init__(self, name, host=HOST, own=SELF):
        self.name = name
        self.host = host
        self.own = own
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", f"{name}0", "type", "veth", "peer", "name", "eth0", "netns", name)
        sh("ip", "address", "add", f"{host}/24", "dev", f"{name}0")
        sh("ip", "link", "set", f"{name}0", "up")
        sh("ip", "-6", "address", "add", f"{HOST6}/64", "dev", f"{name}0", "nodad")
        for command in ("link set lo up", "link set eth0 up", f"address add {own}/24 dev eth0", f"route add default via {host}",
                        f"-6 address add {SELF6}/64 dev eth0 nodad", f"-6 route add default via {HOST6}"):
            self.ip(*command.split())

    def ip(self, *command):
        return sh("ip", "-n", self.name, *command)

    def remove(self):
        sh("ip", "link", "delete", f"{self.name}0", check=False)
        sh("ip", "netns", "delete", self.name)

    def inside(self, work):
        """What `work` returns, in a thread of this namespace."""
        result = []

        def run():
            with open(f"/run/netns/{self.name}") as door:
                assert ctypes.CDLL(None).setns(door.fileno(), CLONE_NEWNET) == 0
            result.append(work())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return result[0]

    def connect(self, address, port, timeout=2):
        """A connection, or None."""

        def dial():
            line = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            line.settimeout(timeout)
            try:
                line.connect((address, port))
            except OSError:
                line.close()
                return None
            return line

        return self.inside(dial)

    def reaches(self, address, port, timeout=1):
        """Whether a word comes back: a connection alone may be the host's."""
        line = self.connect(address, port, timeout)
        if line is None:
            return False
        with contextlib.closing(line):
            return says_back(line)

    def reaches_udp(self, address, port, timeout=1):
        def ask():
            with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)) as line:
                line.settimeout(timeout)
                try:
                    line.sendto(b"word", (address, port))
                    return line.recv(100) == b"word"
                except OSError:
                    return False

        return self.inside(ask)


def says_back(line, timeout=2):
    """Whether the other end of a connection answers."""
    line.settimeout(timeout)
    try:
        line.sendall(b"word")
        return line.recv(100) == b"word"
    except OSError:
        return False


def program(folder):
    """The program for guests, compiled once."""
    path = pathlib.Path(folder) / "line"
    if not path.exists():
        subprocess.run(["gcc", "-x", "c", "-static", "-Os", "-s", "-w", "-o", path, "-"], input=PROGRAM, text=True, check=True)
    return path


def bring(owner, guest, folder):
    """Puts the program into a guest: /tmp/line."""
    owner.try_ssh(guest, "true")  # its known hosts
    command = ["ssh", "-F", "none", "-i", owner.key, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
               f"UserKnownHostsFile={owner.folder}/{guest}.known_hosts", "-o", "LogLevel=ERROR",
               f"root@{guest}", "cat >/tmp/line && chmod +x /tmp/line"]
    with program(folder).open("rb") as text:
        subprocess.run(command, stdin=text, check=True, timeout=120)


def serve(owner, guest, port, protocol="tcp"):
    owner.ssh(guest, f"/tmp/line serve {protocol} {port}")


def device_of(owner, guest):
    """The name of its line inside."""
    return owner.ssh(guest, "ls /sys/class/net | grep -v lo | head -n1")


def told(drover, kind):
    """Messages of the events of one kind, in order."""
    events = [json.loads(line) for line in drover.call("events").out.splitlines()]
    return [event["message"] for event in events if event["kind"] == kind]


def nft(*words):
    return sh("nft", *words)


def table(drover, family):
    return nft("list", "table", family, f"drover_{drover.instance}")


def by_address(owner, guest, command):
    """Where the host does not know guests by name."""
    done = subprocess.run(["ssh", "-F", "none", "-n", "-i", owner.key, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                           "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                           f"root@{guest['address']}", command], capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def take_down(drover):
    """Its networks and rules."""
    for network in virsh("net-list", "--all", "--name").split():
        if network == drover.instance or network.startswith(f"{drover.instance}-"):
            for verb in ("net-destroy", "net-undefine"):
                sh("virsh", "-q", "-c", "qemu:///system", verb, network, check=False)
    for family in ("inet", "bridge"):
        sh("nft", "delete", "table", family, f"drover_{drover.instance}", check=False)
