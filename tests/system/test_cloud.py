"""Cloud images: files of others' that boot by themselves, and the guests that are linked clones of them."""
import os
import pathlib
import subprocess

import pytest
from drover import ROOT, Drover, Owner, sh, wait_until

NO_ROOT = "is of a cloud image, which has no shared root: update it from inside"


def running(name, ready, stop):
    """A daemon with these timeouts, while a fixture lends it."""
    one = Drover(name, f"timeouts: {{ready: {ready}, stop: {stop}}}\nquota: {{default: 10}}\ntesting: {{enabled: true}}\n")
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def drover():
    """Its guests have empty disks: they run and never say a word."""
    yield from running("cloud", "600s", "1s")


def qcow2(file, *options):
    sh("qemu-img", "create", "-q", "-f", "qcow2", *options, file, "256M")
    return file


def add(drover, name, file):
    return drover.ask("image", "add", name, file, "--cloud-init")["message"]


def versions(drover, image):
    return {row["version"]: row for row in drover.ask("image", "list") if row["image"] == image}


@pytest.fixture(scope="module")
def empty(drover, tmp_path_factory):
    """An image that would not boot, and its version."""
    file = qcow2(tmp_path_factory.mktemp("cloud") / "empty.qcow2")
    return file, add(drover, "empty", file)


@pytest.mark.promise("IMAGE-40")
def test_a_file_becomes_a_version_once(drover, empty, tmp_path):
    file, version = empty
    assert add(drover, "empty", file) == version, "the same bytes are the same version"
    row = versions(drover, "empty")[version]
    assert row["current"] and row["bytes"] == file.stat().st_size
    folder = drover.state / "roots/empty" / version.removeprefix("sha256:")
    assert sorted(path.name for path in folder.iterdir()) == ["disk.qcow2", "manifest.json"]
    assert folder.joinpath("disk.qcow2").stat().st_mode & 0o777 == 0o444

    other = drover.ask("image", "add", "empty", file, "--cloud-init", "--memory", "1GiB")["message"]
    assert other != version and not versions(drover, "empty")[other]["current"], "with other memory it is another"
    drover.refuse(4, "image", "diff", version, other)
    drover.refuse(4, "image", "sbom", version)
    drover.ask("image", "remove", "empty", other)
    assert list(versions(drover, "empty")) == [version] and drover.findings() == []


@pytest.mark.promise("IMAGE-40")
def test_a_changed_disk_is_found_and_made_whole(drover, tmp_path):
    file = qcow2(tmp_path / "fragile.qcow2", "-o", "cluster_size=8192")
    version = add(drover, "fragile", file)
    disk = drover.state / "roots/fragile" / version.removeprefix("sha256:") / "disk.qcow2"
    with disk.open("r+b") as stream:
        stream.seek(disk.stat().st_size - 1)
        stream.write(b"x")
    damaged = drover.call("image", "verify", version)
    assert damaged.code == 1 and "disk.qcow2" in damaged.json[0]["damaged"]
    (finding,) = drover.findings()
    assert finding["kind"] == "damaged-root" and "image add" in finding["detail"]
    error = drover.refuse(4, "request", "--owner", "nobody", "--count", "1", "--image", "fragile")
    assert "damaged" in error["message"] and "image add" in error["hint"]
    assert add(drover, "fragile", file) == version
    assert drover.findings() == []


@pytest.mark.promise("IMAGE-40")
def test_an_addition_goes_on_after_a_kill(drover, tmp_path):
    drover.stop()
    drover.environment = {**os.environ, "DROVER_FAILPOINT": "image.built"}
    drover.start()
    drover.call("image", "add", "killed", qcow2(tmp_path / "a.qcow2"), "--cloud-init", "--no-wait")
    wait_until(lambda: drover.process.poll() is not None, "the daemon is killed")
    drover.kill()
    drover.environment = None
    drover.start()
    added = lambda: [o for o in drover.ask("operations") if o["verb"] == "image-add" and "killed" in str(o["arguments"])]
    done = wait_until(lambda: [o for o in added() if o["finished"]], "it ends")
    assert done[0]["outcome"] == "done" and versions(drover, "killed")[done[0]["message"]]["current"]
    assert drover.findings() == []


@pytest.mark.promise("IMAGE-41")
def test_files_that_need_others_are_refused(drover, tmp_path):
    plain = qcow2(tmp_path / "plain.qcow2")
    backed = qcow2(tmp_path / "backed.qcow2", "-b", plain, "-F", "qcow2")
    scattered = qcow2(tmp_path / "scattered.qcow2", "-o", f"data_file={tmp_path}/data.raw")
    secret = ("--object", "secret,id=s,data=abc", "-o", "encrypt.format=aes,encrypt.key-secret=s")
    encrypted = qcow2(tmp_path / "encrypted.qcow2", *secret)
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(1 << 20))
    link = tmp_path / "link"
    link.symlink_to(plain)
    for file, why in {
        backed: "backs it",
        scattered: "another file",
        encrypted: "encrypted",
        raw: "no qcow2",
        link: "no plain file",
        tmp_path: "no plain file",
        tmp_path / "none": "no plain file",
    }.items():
        error = drover.refuse(4, "image", "add", "bad", file, "--cloud-init")
        assert why in error["message"] and str(file) in error["message"]
    drover.refuse(4, "image", "add", "tiny", plain, "--cloud-init")
    drover.refuse(2, "image", "add", "bad", plain)
    drover.refuse(2, "image", "add", "bad", "relative.qcow2", "--cloud-init")
    drover.refuse(2, "image", "add", "bad", plain, "--cloud-init", "--memory", "1MiB")
    assert versions(drover, "bad") == {} and not (drover.state / "roots/bad").exists()


def pattern_of(overlay, number):
    """Whether the disk begins with this byte; also of one in use."""
    said = sh("qemu-io", "-U", "-r", "-f", "qcow2", "-c", f"read -P {number} 0 64k", overlay, check=False)
    return "read 65536/65536" in said and "verification failed" not in said


@pytest.mark.promise("IMAGE-44")
def test_copies_of_its_disk_are_made_as_of_others(drover, empty, keys, tmp_path):
    owner = Owner(drover, "copied", keys, quota=5)
    owner.request(1, "--image", "empty", "--no-wait")
    (name,) = owner.names()
    drover.ask("stop", name)

    def overlay(guest):
        folder = drover.state / "overlays" / str(drover.guest(guest)["id"])
        return wait_until(lambda: [*folder.glob("*.qcow2")], "its overlay")[0]

    sh("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 64k", overlay(name))
    drover.ask("snapshot", name)
    sh("qemu-io", "-f", "qcow2", "-c", "write -P 8 0 64k", overlay(name))
    drover.ask("restore", name, "--yes")
    assert pattern_of(overlay(name), 7)
    archive = tmp_path / "one.tar"
    drover.ask("export", name, "--file", archive)
    drover.ask("retire", name, "--yes")
    drover.ask("recover", name, "--no-wait")
    assert pattern_of(overlay(name), 7)
    drover.ask("import", archive, "--owner", owner.name, "--no-wait")
    (other,) = set(owner.names()) - {name}
    assert pattern_of(overlay(other), 7) and drover.guest(other)["profile"] == "cloud"
    assert "backing file" not in sh("qemu-img", "info", "-U", overlay(other)), "it needs no version"
    drover.ask("retire", "--owner", owner.name, "--purge", "--yes")
    for copy in drover.ask("copies", "list", name):
        drover.ask("copies", "remove", name, copy["name"])
    drover.ask("owner", "remove", owner.name)
    assert drover.findings() == []


@pytest.mark.promise("IMAGE-42")
def test_what_cannot_work_says_so(drover, empty, keys):
    _, version = empty
    owner = Owner(drover, "refused", keys, quota=5)
    asked = ("request", "--owner", owner.name, "--count", "1", "--image", "empty")
    assert "containers" in drover.refuse(4, *asked, "--kind", "container")["message"]
    assert "profile" in drover.refuse(4, *asked, "--profile", "student")["message"]

    owner.request(1, "--image", "empty", "--no-wait")
    (name,) = owner.names()
    drover.ask("stop", name)  # it would never be ready
    overlay = drover.state / "overlays" / str(drover.guest(name)["id"]) / "1.qcow2"
    wait_until(overlay.exists, "its overlay")
    for verb in (("upgrade", name), ("rollback", name), ("rebuild", name, "--keep", "/home", "--yes")):
        answer = drover.call(*verb)
        assert answer.code == 1 and answer.json["items"][0]["reason"] == NO_ROOT, verb
    assert drover.guest(name)["profile"] == "cloud"
    assert drover.ask("shadows", name)[0]["unknown"] == NO_ROOT
    drover.refuse(4, "image", "remove", "empty", version)
    assert drover.findings() == []

    drover.ask("snapshot", name)
    drover.ask("retire", name, "--yes")
    file = qcow2(keys / "second.qcow2", "-o", "cluster_size=4096")
    second = add(drover, "empty", file)
    drover.ask("image", "promote", "empty", second)
    assert name in drover.refuse(4, "image", "remove", "empty", version)["message"], "what is kept of it is on that"
    for copy in drover.ask("copies", "list", name):
        drover.ask("copies", "remove", name, copy["name"])
    wait_until(lambda: drover.call("image", "remove", "empty", version).code == 0, "nobody needs the version")
    drover.ask("owner", "remove", owner.name)
    assert drover.findings() == []


@pytest.fixture(scope="module")
def clouds():
    """An emulated guest boots for a minute of a processor, of which a busy machine may give it little."""
    yield from running("clouds", "900s", "120s")


@pytest.fixture(scope="module")
def debian(clouds):
    """A cloud image of Debian, made here."""
    file = pathlib.Path("/var/tmp/drover-cloud.qcow2")
    subprocess.run([ROOT / "tests/cloud/make", file], check=True, timeout=900)
    yield add(clouds, "bookworm", file)
    file.unlink()


@pytest.mark.only_full
@pytest.mark.promise("IMAGE-43")
def test_guests_of_a_cloud_image_live_as_others_do(clouds, debian, keys, figure):
    drover = clouds
    owner = Owner(drover, "clouded", keys, quota=5)
    owner.request(2, "--image", "bookworm")
    first, second = owner.names()
    assert owner.ssh(first, "hostname; cat /etc/machine-id | wc -c").split() == [first, "33"]
    assert owner.ssh(first, f"getent ahostsv4 {second}").split()[0] == drover.guest(second)["address"]
    assert owner.ssh(first, "ip -4 -o address show scope global").split()[3].startswith(drover.guest(first)["address"])
    assert owner.ssh(first, "systemctl is-active systemd-networkd") == "active"
    assert drover.guest(first)["host_key"] != drover.guest(second)["host_key"]
    folder = drover.state / "overlays" / str(drover.guest(first)["id"])
    figure("overlay of a booted guest", folder.joinpath("1.qcow2").stat().st_blocks / 2048, "MiB")

    owner.ssh(first, "echo mine >/home/file; sync")
    boot, host_key = owner.boot_id(first), drover.guest(first)["host_key"]
    drover.ask("stop", first)  # each boot takes minutes: what can be done while it is off is
    drover.ask("snapshot", first)
    drover.ask("start", first)
    assert owner.boot_id(first) != boot and owner.ssh(first, "cat /home/file") == "mine"
    assert drover.guest(first)["host_key"] == host_key

    drover.ask("rebuild", first, "--yes")
    assert owner.try_ssh(first, "cat /home/file").returncode == 1, "a fresh one"
    drover.ask("restore", first, "--yes")
    assert owner.ssh(first, "cat /home/file") == "mine"

    archive = "/var/tmp/drover-cloud.tar"
    drover.ask("stop", first)
    drover.ask("export", first, "--file", archive)
    drover.ask("retire", first, "--yes")
    drover.ask("recover", first)
    assert owner.ssh(first, "cat /home/file") == "mine"
    drover.ask("import", archive, "--owner", owner.name)
    (third,) = set(owner.names()) - {first, second}
    assert owner.ssh(third, "hostname; cat /home/file").split() == [third, "mine"]
    pathlib.Path(archive).unlink()
    owner.retire_all()
    assert drover.findings() == []
