"""Versions of images: built, compared, promoted, removed; and guests that are upgraded to them and go back."""
import pathlib
import shutil

import pytest
from drover import ROOT, Drover, Owner, everywhere, sh, wait_until

OWN = pathlib.Path("/etc/drover/images")  # the lab's own
KINDS = ["vm", "container"]
SETTINGS = """\
timeouts: {ready: 60s, stop: 30s}
retry: {attempts: 2, backoff: 1s}
quota: {default: 100}
"""


def recipe(name, motd, boots=True):
    """The image `tiny` under another name, with a file of its own; or one whose first program never says a word."""
    folder = OWN / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {name}"))
    (folder / "root/etc/motd").write_text(motd)
    (folder / "root/usr/local").mkdir(parents=True, exist_ok=True)
    if not boots:
        assemble = folder / "assemble"
        deaf = 'printf "#!/bin/sh\\nsleep 1000000\\n" >"$root/usr/libexec/drover-guest"\npack_root'
        assemble.write_text(assemble.read_text().replace("pack_root", deaf))


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


@pytest.mark.promise("IMAGE-2")
@pytest.mark.parametrize("kind", KINDS)
def test_a_patch_reaches_everybody_and_a_bad_one_nobody(drover, keys, full, kind):
    image = f"patched-{kind}"
    count = {"vm": 20, "container": 40}[kind] if full else 3
    one = build(drover, image, "one\n")
    owner = Owner(drover, f"patch-{kind}", keys, quota=count)
    owner.request(count, "--image", image, "--kind", kind)
    names = owner.names()
    everywhere(lambda name: owner.ssh(name, "echo mine >/home/file"), names)

    two = build(drover, image, "two\n")
    drover.ask("image", "promote", image)
    plan = drover.ask("upgrade", "--owner", owner.name, "--canary", names[-1], "--plan")
    assert plan["guests"][0]["name"] == names[-1] and len(plan["guests"]) == count
    assert {guest["version"] for guest in owner.guests()} == {one}, "a plan changes nothing"

    drover.ask("upgrade", "--owner", owner.name, "--canary", names[-1], "--settle", "2s", "--timeout", "0")
    assert {guest["version"] for guest in owner.guests()} == {two}
    assert set(everywhere(lambda name: owner.ssh(name, "cat /etc/motd /home/file"), names)) == {"two\nmine"}

    build(drover, image, "three\n", boots=False)
    drover.ask("image", "promote", image)
    answer = drover.call("upgrade", "--owner", owner.name, "--canary", names[0], "--timeout", "0")
    assert answer.code == 1
    outcomes = {item["name"]: item for item in answer.json["items"]}
    assert outcomes[names[0]]["outcome"] == "failed" and "back to " + two in outcomes[names[0]]["reason"]
    assert {outcomes[name]["outcome"] for name in names[1:]} == {"cancelled"}
    owner.wait_for("ready", count)
    assert {guest["version"] for guest in owner.guests()} == {two}
    assert set(everywhere(lambda name: owner.ssh(name, "cat /etc/motd /home/file"), names)) == {"two\nmine"}

    drover.ask("rollback", "--owner", owner.name, "--timeout", "0")
    assert {guest["version"] for guest in owner.guests()} == {one}
    assert set(everywhere(lambda name: owner.ssh(name, "cat /etc/motd /home/file"), names)) == {"one\nmine"}
    owner.retire_all()
    assert drover.findings() == []
