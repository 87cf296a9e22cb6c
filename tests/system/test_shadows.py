"""What a guest has of its own that hides what a new version of its image brings: planted, found, held, given back."""
import pathlib
import shutil

import pytest
from drover import ROOT, Drover, Owner, everywhere, sh

OWN = pathlib.Path("/etc/drover/images")  # the lab's own
HOST_KEY = "/etc/ssh/dropbear_ed25519_host_key"
CONF, SHARE = "/etc/systemd/system/app", "/usr/local/share"  # of the profile student: merged, persistent
SETTINGS = """\
timeouts: {ready: 90s, stop: 30s}
quota: {default: 100}
"""

FIRST = {
    f"{CONF}/edited": "one", f"{CONF}/deleted": "one", f"{CONF}/removed": "one", f"{CONF}/folder": "one",
    f"{CONF}/untouched": "one", f"{CONF}/opaque/a": "one", f"{CONF}/opaque/b": "one", f"{CONF}/whole/a": "one",
    f"{SHARE}/edited": "one", f"{SHARE}/deleted": "one", f"{SHARE}/untouched": "one",
    "/etc/motd": "one", "/etc/hosts": "127.0.0.1 localhost",
}  # fmt: skip
ADDED = {f"{CONF}/added": "two", f"{CONF}/opaque/new": "two", f"{CONF}/new": "two"}
SECOND = {path: "two" for path in FIRST if path != f"{CONF}/removed"} | ADDED
SECOND["/etc/hosts"] = "127.0.0.1 localhost two"
MERGED_ALONE = {path: "three" if path.startswith(CONF) or path == "/etc/motd" else text for path, text in SECOND.items()}

PLANT = f"""
set -e
cd {CONF}
echo mine >edited; echo mine >removed; echo mine >added; ln -sfn mine link
rm deleted; rm -r whole; rm -r opaque; mkdir opaque
rm folder; mkdir folder; echo mine >folder/file
cd {SHARE}
echo mine >edited; rm deleted
echo 10.9.9.9 mine >>/etc/hosts
"""
PLANTED = {
    f"{CONF}/edited": "edited", f"{CONF}/removed": "edited", f"{CONF}/link": "edited",
    f"{CONF}/added": "replaced", f"{CONF}/folder": "replaced",
    f"{CONF}/deleted": "deleted", f"{CONF}/whole/a": "deleted",
    f"{CONF}/opaque/a": "opaque", f"{CONF}/opaque/b": "opaque", f"{CONF}/opaque/new": "opaque",
    f"{SHARE}/edited": "edited", f"{SHARE}/deleted": "deleted", "/etc/hosts": "edited",
}  # fmt: skip
COPIES = {f"{SHARE}/{name}": "copy" for name in ("edited", "deleted", "untouched")}


def recipe(name, files, link):
    """The image `tiny` with the profile student and these files; the ssh server's key where that profile has it."""
    folder = OWN / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {name}").replace("profile: basic", "profile: student"))
    for file in ("guest.conf", "started"):
        path = folder / "root/etc/drover" / file
        path.write_text(path.read_text().replace("/etc/dropbear/dropbear_ed25519_host_key", HOST_KEY))
    # With its name in it, so that no version of another image has the same digest.
    for path, text in (files | {"/etc/ssh/ssh_config": "", "/etc/issue": name}).items():
        file = folder / f"root{path}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n" if text else "")
    assemble = folder / "assemble"
    assemble.write_text(assemble.read_text().replace("pack_root", f'ln -s {link} "$root{CONF}/link"\npack_root'))


def build(drover, name, files, link):
    recipe(name, files, link)
    return drover.ask("image", "build", name)["message"]


@pytest.fixture(scope="module")
def drover():
    one = Drover("shadows", SETTINGS)
    one.start()
    yield one
    one.stop()


def told(entry):
    """How each path hides the root's, of an entry of `drover shadows` or of a plan."""
    assert entry["unknown"] is None, entry
    return {shadow["path"]: shadow["how"] for shadow in entry["shadows"]}


def shadows(drover, *selection):
    return {entry["name"]: entry for entry in drover.ask("shadows", *selection)}


def clean(drover, owner):
    """Every overlay's file system was unmounted in order."""
    for guest in owner.guests():
        (overlay,) = (drover.state / f"overlays/{guest['id']}").iterdir()
        if overlay.suffix == ".qcow2":
            raw = overlay.with_suffix(".copy")
            sh("qemu-img", "convert", "-O", "raw", overlay, raw)
            overlay = raw
        header = sh("dumpe2fs", "-h", overlay)
        overlay.with_suffix(".copy").unlink(missing_ok=True)
        assert "needs_recovery" not in header, f"{guest['name']}: {header}"


def stop(drover, owner):
    drover.ask("stop", "--owner", owner.name, "--timeout", "0")
    clean(drover, owner)


def plan_of(drover, *selection):
    return {entry["name"]: told(entry) for entry in drover.ask("upgrade", *selection, "--plan")["guests"]}


def contents(owner, name, *paths):
    return owner.ssh(name, f"cat {' '.join(paths)}").split()


@pytest.mark.promise("IMAGE-20")
@pytest.mark.promise("IMAGE-21")
@pytest.mark.promise("IMAGE-22")
@pytest.mark.parametrize("kind", [pytest.param("vm", marks=pytest.mark.only_full), "container"])
def test_every_planted_shadow_is_found_and_no_other(drover, keys, full, figure, kind):
    image, count = f"shaded-{kind}", 6 if full else 4
    one = build(drover, image, FIRST, "one")
    owner = Owner(drover, f"shade-{kind}", keys, quota=count)
    owner.request(count, "--image", image, "--kind", kind, "--timeout", "0")
    names = owner.names()
    untouched, planted = names[0], names[1:]
    everywhere(lambda name: owner.ssh(name, PLANT), planted)

    two = build(drover, image, SECOND, "two")
    drover.ask("image", "promote", image)
    expected = {untouched: COPIES} | {name: PLANTED | {f"{SHARE}/untouched": "copy"} for name in planted}
    found = shadows(drover, "--owner", owner.name)
    assert {name: told(entry) for name, entry in found.items()} == expected
    assert {(entry["from"], entry["to"], entry["left_out"]) for entry in found.values()} == {(one, two, 0)}
    figure("shadows planted and found", len(PLANTED) * len(planted), "")
    operations = drover.ask("operations")
    assert plan_of(drover, "--owner", owner.name) == expected
    assert drover.ask("operations") == operations

    assert_held(drover, owner, names)
    assert told(shadows(drover, untouched)[untouched]) == COPIES
    assert_given_back(drover, owner, planted[0])
    assert_warned(drover, owner, planted[1], expected[planted[1]])
    if full:
        three = build(drover, image, MERGED_ALONE, "three")
        assert told(shadows(drover, untouched, "--to", three)[untouched]) == {}

    stop(drover, owner)
    (entry,) = drover.ask("shadows", planted[-1])
    assert entry["shadows"] == [] and "stopped" in entry["unknown"]
    owner.retire_all()


def assert_held(drover, owner, names):
    """Who hides something stays as it is, the others go on."""
    answer = drover.call("upgrade", "--owner", owner.name, "--shadows", "hold", "--timeout", "0")
    assert answer.code == 1
    items = {item["name"]: item for item in answer.json["items"]}
    assert items[names[0]]["outcome"] == "done"
    for name in names[1:]:
        assert items[name]["outcome"] == "refused"
        assert f"{CONF}/added (replaced)" in items[name]["reason"]


def assert_given_back(drover, owner, name):
    """The new root's files show, what the user had lies aside, and what is no shadow stayed."""
    owner.ssh(name, f"echo mine >{CONF}/my-own")
    drover.ask("upgrade", name, "--shadows", "reset-path", "--timeout", "0")
    changed = [path for path in SECOND if path.startswith((CONF, SHARE))]
    assert set(contents(owner, name, *changed)) == {"two"}
    assert owner.ssh(name, f"readlink {CONF}/link; test -e {CONF}/removed || echo gone") == "two\ngone"
    assert contents(owner, name, f"{CONF}/my-own") == ["mine"]
    assert "mine" not in owner.ssh(name, f"grep -q 'localhost two' /etc/hosts && grep -q {name} /etc/hosts; cat /etc/hosts")
    aside = [f"/var/lib/drover/aside/1{path}" for path in (f"{CONF}/edited", f"{CONF}/folder/file", f"{SHARE}/edited")]
    assert contents(owner, name, *aside) == ["mine"] * 3
    assert told(shadows(drover, name)[name]) == {}
    drover.ask("restart", name, "--timeout", "0")
    assert contents(owner, name, f"{CONF}/edited", f"{SHARE}/edited") == ["two", "two"]


def assert_warned(drover, owner, name, expected):
    """The upgrade takes place, the log tells, and afterwards the same is found."""
    drover.ask("upgrade", name, "--timeout", "0")
    assert contents(owner, name, f"{CONF}/edited", "/etc/motd") == ["mine", "two"]
    assert told(shadows(drover, name)[name]) == expected
    assert f"{CONF}/added (replaced)" in drover.say("events").out
