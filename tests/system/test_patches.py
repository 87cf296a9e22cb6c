"""A package of the image is patched: its new version reaches all guests, one that breaks the image reaches nobody."""
import pathlib
import secrets
import shutil
import time

import pytest
from archive import Archive
from drover import ROOT, Drover, Owner, everywhere

OWN = pathlib.Path("/etc/drover/images")  # the lab's own
# What the first program of a version that does not come up does: a vm's is silent, a container's ends at once.
BROKEN = {"vm": "sleep 1000000", "container": "exit 1"}
FULL_COUNT = {"vm": 20, "container": 40}
SETTINGS = """\
timeouts: {ready: 45s, stop: 30s}
retry: {attempts: 2, backoff: 1s}
quota: {default: 100}
"""


@pytest.fixture(scope="module")
def drover():
    one = Drover("patches", SETTINGS)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def archive(tmp_path):
    one = Archive(tmp_path / "archive")
    yield one
    one.close()


def recipe(name, package):
    """The image `tiny` under another name, with what the package has below /opt/patched laid over its root."""
    folder = OWN / name
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {name}").replace("packages:\n", f"packages:\n  - {package}\n"))
    assemble = folder / "assemble"
    assemble.write_text(assemble.read_text().replace("pack_root", 'cp -r "$packages/opt/patched/." "$root/"\npack_root'))


class Patched:
    """An image whose package is published in versions: each has a program that says which it is."""

    def __init__(self, drover, archive, kind):
        self.drover = drover
        self.archive = archive
        self.image = f"patched-{kind}"
        self.package = f"patched-{secrets.token_hex(4)}"  # the cache of packages is everybody's
        recipe(self.image, self.package)

    def build(self, version, **more):
        """Publishes a version of the package, and builds the image from what apt then has."""
        program = f"#!/bin/sh\necho {version}\n"
        files = {"usr/bin/patched": program, **more}
        self.archive.add(self.package, version, {f"/opt/patched/{path}": text for path, text in files.items()})
        return self.drover.ask("image", "build", self.image)["message"]

    def build_broken(self, version, first_program):
        return self.build(version, **{"usr/libexec/drover-guest": f"#!/bin/sh\n{first_program}\n"})

    def promote(self):
        self.drover.ask("image", "promote", self.image)


def contents(owner, names):
    """What every guest has: a program of its version and a file of its own."""
    return set(everywhere(lambda name: owner.ssh(name, "patched; cat /home/file"), names))


def runs(owner, names):
    """Other ones after every start: a container's boot is its host's."""
    command = "cat /proc/sys/kernel/random/boot_id; cut -d' ' -f22 /proc/1/stat"
    return everywhere(lambda name: owner.ssh(name, command), names)


def run_by(owner):
    return {guest["version"] for guest in owner.guests()}


@pytest.mark.promise("IMAGE-2")
@pytest.mark.promise("IMAGE-3")
@pytest.mark.promise("IMAGE-4")
@pytest.mark.parametrize("kind", [pytest.param("vm", marks=pytest.mark.only_full), "container"])
def test_a_patch_reaches_everybody_and_a_bad_one_nobody(drover, archive, keys, full, figure, kind):
    count = FULL_COUNT[kind] if full else 4
    patched = Patched(drover, archive, kind)
    one = patched.build("1")
    owner = Owner(drover, f"patch-{kind}", keys, quota=count)
    owner.request(count, "--image", patched.image, "--kind", kind, "--timeout", "0")
    names = owner.names()
    everywhere(lambda name: owner.ssh(name, "echo mine >/home/file"), names)

    two = patched.build("2")
    differences = drover.ask("image", "diff", one, two)
    assert differences["packages"] == [{"name": patched.package, "from": "1", "to": "2"}]
    assert differences["files"] == [{"path": "/usr/bin/patched", "change": "changed"}]
    patched.promote()
    assert_planned(drover, owner, names, one)
    began = time.monotonic()
    drover.ask("upgrade", "--owner", owner.name, "--canary", names[-1], "--settle", "2s", "--timeout", "0")
    figure(f"upgrade of {count} guests of kind {kind}", time.monotonic() - began, "s")
    assert run_by(owner) == {two}
    assert contents(owner, names) == {"2\nmine"}

    before = runs(owner, names)
    patched.build_broken("3", BROKEN[kind])
    patched.promote()
    began = time.monotonic()
    assert_canary_goes_back(drover, owner, names, two)
    figure("until the canary was back", time.monotonic() - began, "s")
    assert contents(owner, names) == {"2\nmine"}
    assert runs(owner, names[1:]) == before[1:], "the others were stopped"

    drover.refuse(4, "image", "remove", patched.image, one)
    began = time.monotonic()
    drover.ask("rollback", f"{owner.name}-*", "--timeout", "0")
    figure(f"rollback of {count} guests of kind {kind}", time.monotonic() - began, "s")
    assert run_by(owner) == {one}
    assert contents(owner, names) == {"1\nmine"}
    for version in (one, two):
        drover.refuse(4, "image", "remove", patched.image, version)
    owner.retire_all()
    for version in (one, two):
        drover.ask("image", "remove", patched.image, version)
    assert drover.findings() == []


def assert_planned(drover, owner, names, version):
    """The canary first, then all others; and nothing moves by it."""
    operations = drover.ask("operations")
    before = runs(owner, names)
    plan = drover.ask("upgrade", "--owner", owner.name, "--canary", names[-1], "--plan")
    assert plan["guests"][0]["name"] == names[-1]
    assert sorted(guest["name"] for guest in plan["guests"]) == sorted(names)
    assert drover.ask("operations") == operations
    assert run_by(owner) == {version}
    assert runs(owner, names) == before


def assert_canary_goes_back(drover, owner, names, version):
    answer = drover.call("upgrade", "--owner", owner.name, "--canary", names[0], "--timeout", "0")
    assert answer.code == 1
    outcomes = {item["name"]: item for item in answer.json["items"]}
    assert outcomes[names[0]]["outcome"] == "failed"
    assert f"back to {version}" in outcomes[names[0]]["reason"]
    assert {outcomes[name]["outcome"] for name in names[1:]} == {"cancelled"}
    owner.wait_for("ready", len(names))
    assert run_by(owner) == {version}
    assert [guest["fault"] for guest in owner.guests()] == [None] * len(names)
