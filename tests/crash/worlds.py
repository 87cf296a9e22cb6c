"""Where a daemon that is to be killed lives: on the simulated hypervisor, on libvirt's test driver, on real QEMU. The
hypervisor outlives the daemon in each; a state folder with the image built is copied for every daemon."""
import contextlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import uuid

from drover import ROOT, TINY, Drover, sh

HOOKS = pathlib.Path("/etc/drover/hooks-of-crash")
# Small guests: a template is as large as one, and is read whole.
SIMULATED = "testing: {enabled: true, guests: simulated}\nguest: {memory: 32MiB}\n"


class World:
    """A sort of hypervisor. `settings` of a daemon on it; `domains` are the names that it has of one instance."""

    def __init__(self, name, uri, settings=SIMULATED, kind="vm", at_once=8):
        self.name = name
        self.uri = uri
        self.kind = kind  # of its guests
        self.settings = settings
        self.at_once = at_once  # daemons; each is busy for moments only

    def daemon(self, instance, number, seed):
        """A daemon that was never started, on a copy of the folder `seed`, which holds a built image."""
        uri = self.uri.format(state=f"/var/lib/drover-{instance}")
        place = "vm_uri" if self.kind == "vm" else "container_uri"
        drover = Drover(
            instance,
            f"hosts: [{{name: local, {place}: '{uri}'}}]\n"
            f"network: {{cidr: 10.{60 + number // 16}.{number % 16 * 16}.0/20, host_names: none, quarantine: 0s}}\n"
            f"copies: {{backups: /var/lib/drover-{instance}/backups}}\nlease: {{grace: 1s}}\n"
            f"retry: {{backoff: 100ms}}\nhooks: {{folder: {HOOKS}}}\n{self.settings}",
        )
        add_hook()
        if seed:
            sh("cp", "-a", "--reflink=auto", seed, drover.state)
            make_other_registry(drover.state / "registry.db")
        return drover

    def domains(self, drover):
        if self.uri.startswith("fake:"):
            folder = drover.state / "hypervisor"
            domains = [json.loads(file.read_text()) for file in folder.glob("*.domain.json")]
            return sorted((domain["defined"] or domain["live"])["domain"] for domain in domains)
        listed = sh("virsh", "-q", "-c", self.uri, "list", "--all", "--name").split()
        return sorted(name for name in listed if name.startswith(f"{drover.instance}-"))

    def remove(self, drover):
        """Takes away what the killed daemon had on the hypervisor and on disk."""
        if not self.uri.startswith("fake:"):
            for name in self.domains(drover):
                sh("virsh", "-q", "-c", self.uri, "destroy", name, check=False)
                sh("virsh", "-q", "-c", self.uri, "undefine", name, check=False)
            for command in ("net-destroy", "net-undefine"):
                sh("virsh", "-q", "-c", self.uri, command, drover.instance, check=False)
        for family in ("inet", "bridge"):
            sh("nft", "delete", "table", family, f"drover_{drover.instance}", check=False)
        shutil.rmtree(drover.state)


FAKE = World("fake", "fake://{state}/hypervisor")
TEST_DRIVER = World("test", "test+unix:///default")
QEMU = World("qemu", "qemu:///system", settings="testing: {enabled: true}\n", at_once=4)
LXC = World("lxc", "lxc:///", settings="testing: {enabled: true}\n", kind="container")


def add_hook():
    """A hook that is content with everything."""
    folder = HOOKS / "guest-ready-post"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "content").exists():
        (folder / "content").symlink_to("/bin/true")


def make_other_registry(file):
    """A copied registry would take the original's domains for its own."""
    if file.exists():
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE notes SET value = ? WHERE key = 'uuid'", [str(uuid.uuid4())])


def keep_test_driver_alive():
    """libvirt's test driver keeps its domains for as long as somebody is connected."""
    return subprocess.Popen(
        ["virsh", "-c", TEST_DRIVER.uri, "event", "--all", "--loop"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def built_state(other_motd=None):
    """A state folder in which the image is built and nothing else ever happened; with another message of the day, a
    second version too."""
    drover = FAKE.daemon("seed", 0, None)
    drover.start()
    drover.ask("image", "build", TINY)
    if other_motd:
        build_other(drover, other_motd)
    drover.stop()
    for leftover in ("lock", "hypervisor"):
        path = drover.state / leftover
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return drover.state


def build_other(drover, motd):
    """By a recipe of the administrator's own, which goes before the one of the same name."""
    own = pathlib.Path("/etc/drover/images") / TINY
    shutil.copytree(ROOT / "images" / TINY, own)
    (own / "root/etc/motd").write_text(motd)
    drover.ask("image", "build", TINY)
    shutil.rmtree(own)


def failpoints(program):
    return sh(program, "--list-failpoints").split()


def without_registry(seed):
    """The same folder as before the first start of a daemon, but for the roots, which take time to build."""
    bare = pathlib.Path(f"{seed}.bare")
    if not bare.exists():
        sh("cp", "-a", "--reflink=auto", seed, bare)
        for file in bare.glob("registry.db*"):
            file.unlink()
    return bare
