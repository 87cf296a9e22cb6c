"""What is in a root: what was built, what that is made of, whose its numbers are, and how it reaches guests."""
import pathlib
import shutil
import uuid

import pytest
from drover import ROOT, Drover, Owner, wait_until

OWN = pathlib.Path("/etc/drover/images")  # the lab's own
IMAGE = "solid"
PASSWD = (ROOT / "images/tiny/root/etc/passwd").read_text()


def recipe(files):
    """The image `tiny` under another name, with these files in its root."""
    folder = OWN / IMAGE
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "images/tiny", folder)
    image = folder / "image.yaml"
    image.write_text(image.read_text().replace("name: tiny", f"name: {IMAGE}"))
    for path, content in {"usr/local/empty": "", **files}.items():
        file = folder / "root" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def build(drover, files):
    recipe(files)
    return drover.ask("image", "build", IMAGE)["message"]


@pytest.fixture(scope="module")
def drover():
    one = Drover("roots", "accelerator: tcg\n")
    one.start()
    yield one
    one.stop()


FIRST = {"var/lib/app/one": "1", "var/lib/app/two": "1", "etc/passwd": PASSWD + "app:x:101:101::/:/bin/false\n"}
SECOND = {**FIRST, "etc/motd": "second", "var/lib/app/two": "2", "var/lib/app/three": "2", "var/lib/app/deep/four": "2"}


@pytest.fixture(scope="module")
def first(drover):
    return build(drover, FIRST)


@pytest.fixture(scope="module")
def owner(drover, keys, first):
    one = Owner(drover, "rooted", keys, quota=4)
    one.request(1, "--image", IMAGE, "--kind", "container")
    yield one
    one.retire_all()


@pytest.mark.promise("IMAGE-31")
def test_a_version_tells_what_it_is_made_of(drover, first):
    sbom = drover.ask("image", "sbom", first[7:19])
    assert (sbom["bomFormat"], sbom["specVersion"], sbom["version"]) == ("CycloneDX", "1.5", 1)
    assert sbom["serialNumber"] == f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:drover:version:{first}')}"
    assert (sbom["metadata"]["component"]["name"], sbom["metadata"]["component"]["version"]) == (IMAGE, first)
    urls = [component["purl"] for component in sbom["components"]]
    assert any(url.startswith("pkg:deb/debian/busybox-static@") for url in urls), urls
    assert drover.ask("image", "sbom", IMAGE) == sbom, "an image's name means what new guests get"
    drover.refuse(3, "image", "sbom", "no-such-version")


@pytest.mark.promise("IMAGE-32")
def test_a_build_that_gives_numbers_to_others_is_refused(drover, first):
    recipe({**FIRST, "etc/passwd": PASSWD + "app:x:102:102::/:/bin/false\n"})
    message = drover.refuse(1, "image", "build", IMAGE)["message"]
    assert f"the user 'app' has the number 102, and had 101 in {first}" in message and "useradd -u" in message
    assert [row["version"] for row in drover.ask("image", "list") if row["image"] == IMAGE] == [first]


@pytest.mark.promise("IMAGE-33")
def test_what_a_version_adds_below_a_users_path_arrives_and_what_the_user_took_away_does_not(drover, owner):
    name = owner.names()[0]
    owner.ssh(name, "rm /var/lib/app/one")
    build(drover, SECOND)
    drover.ask("image", "promote", IMAGE)
    drover.ask("upgrade", name)
    assert owner.ssh(name, "cd /var/lib/app; cat two three deep/four; ls") == "122deep\nthree\ntwo"
    owner.ssh(name, "rm -r /var/lib/app/deep")
    drover.ask("rollback", name)
    drover.ask("upgrade", name)
    assert owner.ssh(name, "ls /var/lib/app") == "three\ntwo"


def root_of(drover):
    current = next(row["version"] for row in drover.ask("image", "list") if row["image"] == IMAGE and row["current"])
    return drover.state / "roots" / IMAGE / current.removeprefix("sha256:") / "root.squashfs"


def change_a_byte(file):
    file.chmod(0o644)
    with file.open("r+b") as root:
        root.seek(file.stat().st_size // 2)
        byte = root.read(1)[0]
        root.seek(-1, 1)
        root.write(bytes([byte ^ 1]))


def damages(drover):
    answer = drover.call("image", "verify")
    assert answer.code == (1 if any(row["damaged"] for row in answer.json) else 0)
    return [row["damaged"] for row in answer.json if row["damaged"]]


@pytest.mark.promise("IMAGE-30")
def test_a_changed_byte_is_found_and_refused_until_the_version_is_built_anew(drover, owner):
    root = root_of(drover)
    assert damages(drover) == []
    change_a_byte(root)
    reason = f"{root} is not what was built"

    error = drover.refuse(4, "request", "--owner", owner.name, "--count", 2, "--image", IMAGE, "--kind", "container")
    assert reason in error["message"] and f"drover image build {IMAGE}" in error["hint"]
    assert damages(drover) == [reason]
    assert [(finding["kind"], finding["object"]) for finding in drover.findings()] == [("damaged-root", str(root))]
    assert reason in drover.say("events").out
    drover.refuse(3, "image", "verify", "no-such-version")

    initrd = root.with_name("initrd")
    drover.stop()
    change_a_byte(initrd)
    drover.start()
    wait_until(lambda: f"{initrd} is not what was built" in drover.say("events").out, "a starting daemon tells of it")
    assert owner.phases() == {owner.names()[0]: "ready"}

    inode = root.stat().st_ino
    drover.ask("image", "build", IMAGE)
    assert root.stat().st_ino != inode, "guests run from the old file"
    assert damages(drover) == [] and drover.findings() == []
    owner.request(2, "--image", IMAGE, "--kind", "container")
    drover.ask("restart", f"{owner.name}-*")
    assert {owner.ssh(name, "cat /etc/motd") for name in owner.names()} == {"second"}
