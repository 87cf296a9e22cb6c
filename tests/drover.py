"""A daemon of one's own and a client of it, for the system tests. Everything runs inside tools/lab."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / os.environ.get("DROVER_TEST_PRESET", "release")
BIN = BUILD / "bin"
TINY = "tiny"


def wait_until(condition, what, timeout=60):
    """Polls until `condition()` is true and returns what it gave; fails naming `what` and the last thing seen."""
    deadline = time.monotonic() + timeout
    while True:
        seen = condition()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s (last: {seen!r})"
        time.sleep(0.1)


def sh(*command, check=True, timeout=120):
    """Runs a program; returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr}"
    return done.stdout


class Answer:
    """How a command of the client ended: its exit code and what it printed, read as JSON where it is."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """With --json an error is one object on stderr, and stdout is empty."""
        assert self.out == "", self.out
        return json.loads(self.err.splitlines()[-1])["error"]


class Drover:
    """One instance of the daemon with its default places, which are the lab's own."""

    def __init__(self, instance, settings=""):
        self.instance = instance
        self.config = pathlib.Path(f"/etc/drover/{instance}.yaml")
        self.state = pathlib.Path(f"/var/lib/drover-{instance}")
        self.socket = pathlib.Path(f"/run/drover-{instance}/drover.sock")
        self.log = pathlib.Path(f"/var/log/drover/{instance}.log")
        self.environment = None  # of the daemon; None: ours
        self.process = None
        for folder in (self.config.parent, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(f"instance: {instance}\n{settings}")

    # ---- the daemon

    def start(self):
        assert self.process is None
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [BIN / "droverd", "--config", self.config],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self.answers, "the daemon answers at its socket")

    def answers(self):
        code = self.process.poll()
        assert code is None, f"droverd ended with {code}:\n{self.log_tail()}"
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as door:
            return door.connect_ex(str(self.socket)) == 0

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        assert self.end(signal.SIGTERM) == 0, self.log_tail()

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process = None
        return code

    def log_tail(self, lines=40):
        return "\n".join(self.log.read_text().splitlines()[-lines:])

    # ---- the client

    def call(self, *arguments, timeout=900):
        """The client with --json."""
        return self.say(*arguments, "--json", timeout=timeout)

    def say(self, *arguments, timeout=900):
        """The client as people use it. Its environment holds nothing of the caller's."""
        done = subprocess.run(
            [BIN / "drover", *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "DROVER_SOCKET": str(self.socket)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Answer(done)

    def ask(self, *arguments):
        """The JSON of a call that must succeed."""
        answer = self.call(*arguments)
        assert answer.code == 0, f"drover {' '.join(map(str, arguments))}: {answer.code}\n{answer.out}{answer.err}"
        return answer.json

    def refuse(self, code, *arguments):
        """The error of a call that must fail with this exit code."""
        answer = self.call(*arguments)
        assert answer.code == code, f"drover {' '.join(map(str, arguments))}: {answer.code}\n{answer.out}{answer.err}"
        return answer.error

    def guests(self, *selection):
        return self.ask("list", *selection)

    def guest(self, name):
        return self.ask("show", name)

    def phases(self, *selection):
        return {guest["name"]: guest["phase"] for guest in self.guests(*selection)}

    def findings(self):
        answer = self.call("fsck")
        assert answer.code in (0, 1), answer.err
        return answer.json

    # ---- what libvirt and the kernel have of this instance

    def domains(self):
        names = virsh("list", "--all", "--name").split() + lxc("list", "--all", "--name").split()
        return sorted(name for name in names if name.startswith(f"{self.instance}-"))

    def guest_processes(self):
        """Command lines of the QEMU processes and of the controllers of containers of this instance."""
        marks = (f"guest={self.instance}-", f"libvirt_lxc --name {self.instance}-")
        return [line for line in sh("ps", "-eo", "args").splitlines() if any(mark in line for mark in marks)]

    def bridge_ports(self):
        return [port.name for port in pathlib.Path(f"/sys/class/net/{self.instance}-br/brif").glob("*")]

    def overlays(self):
        return sorted(folder.name for folder in (self.state / "overlays").glob("*"))

    def known_names(self):
        """What the instance's network answers to and the host's own table has, as one text."""
        files = "".join(file.read_text() for file in (self.state / "names").iterdir())
        return virsh("net-dumpxml", self.instance) + files + pathlib.Path("/etc/hosts").read_text()


def everywhere(function, guests):
    """The function on every guest, a few at once, in order."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, guests))


def assert_all_different(values):
    assert len(set(values)) == len(values), sorted(values)


def virsh(*arguments):
    return sh("virsh", "-q", "-c", "qemu:///system", *arguments)


def lxc(*arguments):
    return sh("virsh", "-q", "-c", "lxc:///", *arguments)


class Owner:
    """An owner with a key, and the way into its guests as its user has it."""

    def __init__(self, drover, name, folder, quota):
        self.drover = drover
        self.name = name
        self.key = folder / f"{name}.key"
        self.folder = folder
        self.key.unlink(missing_ok=True)  # of another test whose name begins alike
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        drover.ask("owner", "set", name, "--quota", quota, "--key", f"{self.key}.pub")

    def request(self, count, *more):
        return self.drover.ask("request", "--owner", self.name, "--count", count, *more)

    def guests(self):
        return self.drover.guests("--owner", self.name)

    def names(self):
        return [guest["name"] for guest in self.guests()]

    def phases(self):
        return self.drover.phases("--owner", self.name)

    def wait_for(self, phase, count, timeout=300):
        """Until exactly `count` guests are there and all are in this phase."""

        def settled():
            phases = self.phases()
            return len(phases) == count and set(phases.values()) <= {phase}

        wait_until(settled, f"{count} guests of {self.name} are {phase}", timeout)

    def try_ssh(self, guest, command, timeout=120):
        """Logs in by name, trusting nothing but the host key that `drover show` tells. Fails like ssh does, with 255, where no
        answer comes: to whom the guest restarts in the middle of a login, nobody says that it has ended."""
        host_key = self.drover.guest(guest)["host_key"]
        known_hosts = self.folder / f"{guest}.known_hosts"
        known_hosts.write_text(f"{host_key['known_hosts']}\n" if host_key else "")
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "ConnectTimeout": "20",
            "LogLevel": "ERROR",
        }
        flags = [flag for name, value in options.items() for flag in ("-o", f"{name}={value}")]
        arguments = ["ssh", "-F", "none", "-n", "-i", self.key, *flags, f"root@{guest}", command]
        try:
            return subprocess.run(arguments, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(arguments, 255, "", f"no answer within {timeout} s")

    def ssh(self, guest, command):
        """What the command printed in the guest; it must succeed."""
        done = self.try_ssh(guest, command)
        assert done.returncode == 0, f"{command!r} in {guest}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def boot_id(self, guest):
        """New at each boot; empty while nobody answers."""
        return self.try_ssh(guest, "cat /proc/sys/kernel/random/boot_id", timeout=30).stdout.strip()

    def retire_all(self):
        if self.guests():
            self.drover.ask("retire", "--owner", self.name, "--yes")
        # Those that were on their way already are not waited for.
        wait_until(lambda: not self.guests(), f"the guests of {self.name} are gone")
        self.drover.ask("owner", "remove", self.name)


def ping(name):
    sh("ping", "-c1", "-W10", name)


def restore(drover, backup):
    """Puts a backup of the registry on an empty state folder, beside the overlays and roots that are there."""
    old = drover.state.with_name(f"{drover.state.name}.old")
    drover.state.rename(old)
    drover.state.mkdir(mode=old.stat().st_mode & 0o7777)
    for kept in ("copies", "overlays", "prototypes", "roots"):
        (old / kept).rename(drover.state / kept)
    shutil.copy(backup, drover.state / "registry.db")
    shutil.rmtree(old)
