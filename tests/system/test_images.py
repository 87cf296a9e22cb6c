"""Versions of images: built, compared, promoted, removed."""
import pathlib
import shutil

import pytest
from drover import ROOT, Drover, wait_until

OWN = pathlib.Path("/etc/drover/images")  # the lab's own


def recipe(name, motd):
    """The image `tiny` under another name, with a file of its own."""
    folder = OWN / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {name}"))
    (folder / "root/etc/motd").write_text(motd)


@pytest.fixture(scope="module")
def drover():
    one = Drover("images")
    one.start()
    yield one
    one.stop()


def build(drover, name, motd):
    recipe(name, motd)
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
