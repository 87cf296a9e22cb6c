"""Many real containers: a mass start against a bare loop of libvirt's own calls, a mass stop, and what is left of them."""
import os
import subprocess
import time
import xml.etree.ElementTree

import boxes
import pytest
from drover import Owner, everywhere, lxc, sh, wait_until


def bare_definitions(drover, guests, folder):
    """The same containers for a bare loop: same XML, under other names, on a plain mount and plain folders."""
    version = guests[0]["version"].removeprefix("sha256:")
    root = folder / "root"
    root.mkdir(parents=True)
    sh("mount", "-o", "loop,ro", drover.state / "roots/tiny" / version / "root.squashfs", root)
    names = []
    for guest in guests:
        tree = xml.etree.ElementTree.fromstring(lxc("dumpxml", "--inactive", guest["domain"]))
        for gone in ("uuid", "metadata", "title"):
            tree.remove(tree.find(gone))
        names.append(f"bare-{guest['id']}")
        tree.find("name").text = names[-1]
        overlay = folder / names[-1]
        overlay.mkdir()
        for system, source in zip(tree.findall("devices/filesystem"), (root, overlay)):
            system.find("source").set("dir", str(source))
        definition = folder / f"{names[-1]}.xml"
        definition.write_text(xml.etree.ElementTree.tostring(tree, "unicode"))
    commands = "; ".join(f"define {folder / name}.xml" for name in names)
    lxc(commands)
    return names


def bare(verb, names):
    """Four connections at once, each one call after the other; returns the seconds."""
    begin = time.monotonic()
    lanes = [
        subprocess.Popen(["virsh", "-q", "-c", "lxc:///", "; ".join(f"{verb} {name}" for name in names[lane::4])],
                         stdout=subprocess.DEVNULL)
        for lane in range(4)
    ]
    assert [lane.wait() for lane in lanes] == [0] * 4
    return time.monotonic() - begin


def cpu_of(process):
    """Seconds of CPU that the daemon has used."""
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.promise("BOX-8")
def test_mass_start_stop_and_nothing_left(drover, keys, full, figure, tmp_path):
    count = 500 if full else 24
    owner = Owner(drover, "many", keys, quota=count)
    begin = time.monotonic()
    assert owner.request(count, "--kind", "container", "--timeout", "0")["outcome"] == "done"
    figure(f"{count} requested until ready", time.monotonic() - begin, "s")
    names = owner.names()
    everywhere(lambda name: owner.ssh(name, f"echo {name} >/home/mine"), names)

    cpu, begin = cpu_of(drover.process), time.monotonic()
    drover.ask("stop", "--owner", owner.name, "--timeout", "0")
    figure(f"{count} stopped", time.monotonic() - begin, "s")
    figure("of it the daemon's CPU", 100 * (cpu_of(drover.process) - cpu) / os.cpu_count() / (time.monotonic() - begin), "%")
    assert set(owner.phases().values()) == {"stopped"}
    assert boxes.traces(drover)["processes"] == []

    folder = tmp_path / "bare"
    tmp_path.chmod(0o755)
    tmp_path.parent.chmod(0o755)
    tmp_path.parent.parent.chmod(0o755)
    others = bare_definitions(drover, owner.guests(), folder)
    loop = bare("start", others)
    bare("destroy", others)
    bare("undefine", others)
    sh("umount", folder / "root")

    cpu, begin = cpu_of(drover.process), time.monotonic()
    drover.ask("start", "--owner", owner.name, "--timeout", "0")
    mine = time.monotonic() - begin
    share = 100 * (cpu_of(drover.process) - cpu) / os.cpu_count() / mine
    figure(f"{count} started until ready", mine, "s")
    figure("of it the daemon's CPU", share, "%")
    figure("a bare loop of starts, 4 at once", loop, "s")
    figure("ratio (promised: at most 1.25)", f"{mine / loop:.2f}", "")
    assert not full or (mine <= 1.25 * loop and share < 10)
    assert everywhere(lambda name: owner.ssh(name, "cat /home/mine"), names) == names

    begin = time.monotonic()
    owner.retire_all()
    figure(f"{count} retired", time.monotonic() - begin, "s")
    wait_until(lambda: not any(boxes.traces(drover).values()), "nothing is left of the containers")
    assert drover.findings() == []
