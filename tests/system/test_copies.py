"""Copies of overlays: snapshots, backups, exports, what is kept of retired guests, and what a lease ends in."""
import os
import subprocess

import pytest
from drover import BIN, Drover, Owner, sh, wait_until

KINDS = [pytest.param("vm", marks=pytest.mark.only_full), "container"]
SETTINGS = """\
timeouts: {ready: 120s, stop: 30s}
quota: {default: 100}
copies: {snapshots: 2, backups: /var/lib/drover-copies/backups}
lease: {grace: 1s}
"""


@pytest.fixture(scope="module")
def drover():
    one = Drover("copies", SETTINGS)
    one.start()
    one.ask("image", "build", "tiny")
    yield one
    one.stop()


@pytest.fixture
def owner(drover, keys, request):
    one = Owner(drover, f"c-{abs(hash(request.node.name)) % 10**8}", keys, quota=5)
    yield one
    one.retire_all()
    assert drover.findings() == []


def guest_of(owner, kind):
    owner.request(1, "--kind", kind)
    return owner.names()[-1]


def write(owner, name, text):
    owner.ssh(name, f"echo {text} >/home/file; sync")


def read(owner, name):
    return owner.ssh(name, "cat /home/file")


def copies(drover, name):
    return {copy["name"]: copy for copy in drover.ask("copies", "list", name)}


def reasons(answer):
    return " ".join(item["reason"] or "" for item in answer.json["items"])


@pytest.mark.promise("COPY-1")
@pytest.mark.parametrize("kind", KINDS)
def test_a_guest_goes_back_to_its_snapshot(drover, owner, kind):
    folder = drover.state / "copies"
    others = set(folder.iterdir()) if folder.exists() else set()
    name = guest_of(owner, kind)
    write(owner, name, "before")
    drover.ask("snapshot", name, "--name", "mine")
    assert owner.phases() == {name: "ready"}, "it runs again"
    write(owner, name, "after")
    drover.ask("stop", name)
    drover.ask("snapshot", name)
    assert owner.phases() == {name: "stopped"}, "who is off stays so"
    made = copies(drover, name)
    assert len(made) == 2 and all(copy["made"] and copy["bytes"] > 0 for copy in made.values())

    full = drover.call("snapshot", name)
    assert full.code == 1 and "2 snapshots" in reasons(full)
    drover.ask("restore", name, "--from", "mine", "--yes")
    drover.ask("start", name)
    assert read(owner, name) == "before"
    drover.ask("restore", name, "--yes")
    assert read(owner, name) == "after", "the newest"
    assert drover.call("restore", name, "--from", "none", "--yes").code == 1

    drover.ask("protect", name)
    drover.refuse(4, "restore", name, "--yes")
    drover.refuse(4, "rollback", name, "--with-snapshot")
    drover.ask("protect", "--off", name)
    assert drover.findings() == []
    for copy in set(folder.iterdir()) - others:
        (copy / "overlay").unlink()
    assert {finding["kind"] for finding in drover.findings()} == {"missing-copy"}
    drover.ask("copies", "remove", name, "mine")
    drover.refuse(3, "copies", "remove", name, "mine")
    (left,) = copies(drover, name)
    drover.ask("copies", "remove", name, left)


@pytest.mark.promise("COPY-2")
@pytest.mark.parametrize("kind", KINDS)
def test_a_retired_guest_comes_back_with_its_data(drover, owner, kind):
    name = guest_of(owner, kind)
    write(owner, name, "mine")
    address = drover.guest(name)["address"]
    drover.ask("retire", name, "--yes")
    assert owner.names() == [] and str(drover.guest(name)["id"]) not in drover.overlays()
    assert drover.findings() == []
    assert drover.ask("recover", name)["outcome"] == "done"
    assert drover.guest(name)["address"] == address
    assert read(owner, name) == "mine"
    drover.refuse(3, "recover", name)

    drover.ask("retire", name, "--purge", "--yes")
    before = copies(drover, name)
    drover.ask("copies", "remove", name, *before)
    drover.refuse(3, "recover", name)


@pytest.mark.promise("COPY-2")
def test_a_recovered_guest_needs_a_place_in_its_owners_quota(drover, owner):
    name = guest_of(owner, "container")
    drover.ask("retire", name, "--yes")
    drover.ask("owner", "set", owner.name, "--quota", "0")
    assert "quota" in drover.refuse(4, "recover", name)["hint"]
    drover.ask("owner", "set", owner.name, "--quota", "5")
    drover.ask("recover", name)


@pytest.mark.promise("COPY-2")
def test_what_is_kept_goes_when_its_time_is_over(keys):
    one = Drover("keep", "retire: {keep: 1s}\n")
    one.start()
    one.ask("image", "build", "tiny")
    owner = Owner(one, "alice", keys, quota=1)
    name = guest_of(owner, "container")
    one.ask("retire", name, "--yes")
    wait_until(lambda: list((one.state / "copies").iterdir()) == [], "nothing is kept")
    assert one.ask("copies", "list") == []
    one.refuse(3, "recover", name)
    one.stop()


@pytest.mark.promise("COPY-3")
@pytest.mark.parametrize("kind", KINDS)
def test_a_guest_leaves_in_a_file_and_another_is_made_of_it(drover, owner, kind, tmp_path):
    name = guest_of(owner, kind)
    write(owner, name, "mine")
    file = f"{drover.state}/{name}.tar"
    drover.ask("export", name, "--file", file)
    assert sh("tar", "-tf", file).split() == ["manifest.json", "overlay.qcow2"]
    assert "backing" not in sh("sh", "-c", f"tar -xOf {file} overlay.qcow2 >{tmp_path}/o && qemu-img info {tmp_path}/o")
    assert file in drover.refuse(4, "export", name, "--file", file)["message"]
    failed = drover.call("export", name, "--file", "/proc/none/file")
    assert failed.code == 1 and "/proc/none" in reasons(failed)
    wait_until(lambda: owner.phases() == {name: "ready"}, "nothing is wrong with the guest")

    drover.ask("import", file, "--owner", owner.name)
    (other,) = set(owner.names()) - {name}
    assert read(owner, other) == "mine" and read(owner, name) == "mine"
    assert drover.guest(other)["host_key"] == drover.guest(other)["host_key"]
    write(owner, other, "changed")
    drover.ask("restart", other)
    assert read(owner, other) == "changed" and read(owner, name) == "mine"

    drover.ask("backup", name, "--name", "tonight")
    assert os.path.exists(copies(drover, name)["tonight"]["file"])
    write(owner, name, "lost")
    drover.ask("restore", name, "--from", "tonight", "--yes")
    assert read(owner, name) == "mine"
    drover.ask("copies", "remove", name, "tonight")
    assert not os.path.exists(f"{drover.state}/backups/{name}-tonight.tar")


@pytest.mark.promise("COPY-3")
def test_what_is_no_archive_is_refused(drover, owner, tmp_path):
    base, overlay, file = tmp_path / "base.qcow2", tmp_path / "overlay.qcow2", tmp_path / "a.tar"
    sh("qemu-img", "create", "-q", "-f", "qcow2", base, "64M")
    sh("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", overlay)
    for words in (file, tmp_path, "/etc/passwd"):
        assert drover.call("import", words, "--owner", owner.name).code in (1, 4)
    manifest = {"drover_archive": 1, "name": "x", "owner": "x", "kind": "vm", "image": "tiny", "version": "x",
                "profile": "basic", "registry": "x", "copy": 1}
    (tmp_path / "manifest.json").write_text(str(manifest).replace("'", '"'))
    sh("tar", "-C", tmp_path, "-cf", file, "manifest.json", "overlay.qcow2")
    drover.ask("import", file, "--owner", owner.name, "--no-wait")
    wait_until(lambda: [guest["fault"] for guest in owner.guests()] != [None], "it is given up")
    assert "names a file that backs it" in owner.guests()[0]["fault"]["message"]


@pytest.mark.promise("COPY-4")
@pytest.mark.parametrize("kind", KINDS)
def test_a_rebuild_leaves_what_it_is_told_to(drover, owner, kind):
    name = guest_of(owner, kind)
    write(owner, name, "mine")
    owner.ssh(name, "echo mine >/root/file; mkdir -p /var/lib/mine; echo mine >/var/lib/mine/row; sync")
    refused = drover.refuse(4, "rebuild", name, "--keep", "/usr/bin", "--yes")
    assert "/usr/bin" in refused["message"] and "/home" in refused["hint"]
    drover.ask("rebuild", name, "--keep", "/home", "--keep", "/var/lib/mine", "--yes")
    assert read(owner, name) == "mine"
    assert owner.ssh(name, "cat /var/lib/mine/row") == "mine"
    assert owner.try_ssh(name, "ls /root/file").returncode != 0
    write(owner, name, "later")
    drover.ask("restart", name)
    assert read(owner, name) == "later"


@pytest.mark.promise("COPY-5")
def test_a_lease_ends_in_a_stop_and_then_in_the_retirement(drover, owner):
    name = guest_of(owner, "container")
    write(owner, name, "mine")
    drover.ask("lease", name, "--for", "20d")
    wait_until(lambda: "is lent until" in drover.say("events").out, "it is told of")
    assert drover.guest(name)["lease"] is not None
    drover.ask("lease", name, "--off")
    assert drover.guest(name)["lease"] is None

    drover.ask("protect", name)
    drover.ask("lease", name, "--for", "1s")
    owner.wait_for("stopped", 1)
    refused = drover.call("start", name)
    assert refused.code == 1 and "was lent until" in reasons(refused)
    drover.ask("protect", "--off", name)
    wait_until(lambda: owner.names() == [], "it is retired")
    kinds = {copy["kind"]: copy for copy in copies(drover, name).values()}
    assert set(kinds) == {"backup", "retired"} and os.path.exists(kinds["backup"]["file"])
    drover.ask("recover", name)
    drover.ask("lease", name, "--off")
    drover.ask("start", name)
    assert read(owner, name) == "mine"


@pytest.mark.promise("COPY-6")
def test_an_owner_copies_own_guests_and_writes_no_files(drover, keys):
    sh("useradd", "--no-create-home", "copier")
    owner = Owner(drover, "copier", keys, quota=1)
    drover.ask("owner", "set", owner.name, "--login", "copier")
    name = guest_of(owner, "container")

    def as_user(*words):
        command = ["setpriv", "--reuid=copier", "--regid=copier", "--clear-groups", BIN / "drover", *words]
        return subprocess.run(list(map(str, command)), env={"DROVER_SOCKET": str(drover.socket)}, capture_output=True).returncode

    assert as_user("snapshot", name) == 0
    assert as_user("copies", "list") == 0
    for words in (("backup", name), ("export", name, "--file", "/var/lib/mine.tar"), ("import", "/var/lib/mine.tar", "--owner", "copier"),
                  ("lease", name, "--off")):
        assert as_user(*words) == 5, words
    owner.retire_all()
