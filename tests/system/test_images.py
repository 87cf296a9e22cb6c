"""Versions of images: built, compared, promoted, removed; and guests that are upgraded to them and go back."""
import pathlib
import shutil
import time

import pytest
from drover import ROOT, Drover, Owner, everywhere, wait_until

OWN = pathlib.Path("/etc/drover/images")  # the lab's own
# What the first program of a version that does not come up does: a vm's is silent, a container's ends at once.
BROKEN = {"vm": "sleep 1000000", "container": "exit 1"}
FULL_COUNT = {"vm": 20, "container": 40}
SETTINGS = """\
timeouts: {ready: 45s, stop: 30s}
retry: {attempts: 2, backoff: 1s}
quota: {default: 100}
"""


def recipe(name, motd, broken=None):
    """The image `tiny` under another name, with a file of its own; `broken` is what its first program does instead."""
    folder = OWN / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {name}"))
    (folder / "root/etc/motd").write_text(motd)
    (folder / "root/usr/local").mkdir(parents=True, exist_ok=True)
    if broken:
        assemble = folder / "assemble"
        instead = f'printf "#!/bin/sh\\n{broken}\\n" >"$root/usr/libexec/drover-guest"\npack_root'
        assemble.write_text(assemble.read_text().replace("pack_root", instead))


@pytest.fixture(scope="module")
def drover():
    one = Drover("images", SETTINGS)
    one.start()
    yield one
    one.stop()


def build(drover, name, motd, **how):
    recipe(name, motd, **how)
    return drover.ask("image", "build", name)["message"]


def versions(drover, name):
    return {row["version"]: row for row in drover.ask("image", "list") if row["image"] == name}


@pytest.mark.promise("IMAGE-1")
def test_versions_are_compared_promoted_and_removed(drover):
    first = build(drover, "plain", "one\n")
    assert versions(drover, "plain")[first]["current"]
    assert build(drover, "plain", "one\n") == first, "the same recipe makes the same digest"
    second = build(drover, "plain", "two\n")
    assert second != first and not versions(drover, "plain")[second]["current"]

    differences = drover.ask("image", "diff", first[7:19], second)
    assert differences["files"] == [{"path": "/etc/motd", "change": "changed"}] and differences["packages"] == []
    assert drover.ask("image", "diff", first, first)["files"] == []

    drover.refuse(4, "image", "remove", "plain", first)
    assert drover.ask("image", "promote", "plain")["version"] == second
    assert drover.ask("image", "rollback", "plain")["version"] == first
    drover.refuse(3, "image", "promote", "plain", "sha256:ffff")
    drover.ask("image", "remove", "plain", second)
    assert list(versions(drover, "plain")) == [first]
    assert not (drover.state / "roots/plain" / second.removeprefix("sha256:")).exists()
    assert drover.findings() == []


@pytest.mark.promise("IMAGE-1")
def test_a_build_does_not_hold_up_the_daemons_end_and_begins_anew(drover):
    recipe("long", "one\n")
    go_on, assemble = OWN / "long/go-on", OWN / "long/assemble"
    waits = f'until [ -e "{go_on}" ]; do echo waiting >&2; sleep 0.5; done\npack_root'
    assemble.write_text(assemble.read_text().replace("pack_root", waits))
    operation = drover.ask("image", "build", "long", "--no-wait")["operation"]
    wait_until(lambda: "long: waiting" in drover.say("events").out, "the build is at its longest part")
    drover.stop()
    go_on.touch()
    drover.start()
    wait_until(lambda: drover.ask("operations", operation)[0]["finished"], "it is built", 120)
    assert drover.ask("operations", operation)[0]["outcome"] == "done"


def contents(owner, names):
    """What every guest has: a file of its version and one of its own."""
    return set(everywhere(lambda name: owner.ssh(name, "cat /etc/motd /home/file"), names))


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
def test_a_patch_reaches_everybody_and_a_bad_one_nobody(drover, keys, full, figure, kind):
    image = f"patched-{kind}"
    count = FULL_COUNT[kind] if full else 4
    one = build(drover, image, "one\n")
    owner = Owner(drover, f"patch-{kind}", keys, quota=count)
    owner.request(count, "--image", image, "--kind", kind, "--timeout", "0")
    names = owner.names()
    everywhere(lambda name: owner.ssh(name, "echo mine >/home/file"), names)

    two = build(drover, image, "two\n")
    drover.ask("image", "promote", image)
    assert_planned(drover, owner, names, one)
    began = time.monotonic()
    drover.ask("upgrade", "--owner", owner.name, "--canary", names[-1], "--settle", "2s", "--timeout", "0")
    figure(f"upgrade of {count} guests of kind {kind}", time.monotonic() - began, "s")
    assert run_by(owner) == {two}
    assert contents(owner, names) == {"two\nmine"}

    before = runs(owner, names)
    build(drover, image, "three\n", broken=BROKEN[kind])
    drover.ask("image", "promote", image)
    assert_canary_goes_back(drover, owner, names, two)
    assert contents(owner, names) == {"two\nmine"}
    assert runs(owner, names[1:]) == before[1:], "the others were stopped"

    drover.refuse(4, "image", "remove", image, one)
    drover.ask("rollback", f"{owner.name}-*", "--timeout", "0")
    assert run_by(owner) == {one}
    assert contents(owner, names) == {"one\nmine"}
    for version in (one, two):
        drover.refuse(4, "image", "remove", image, version)
    owner.retire_all()
    for version in (one, two):
        drover.ask("image", "remove", image, version)
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
