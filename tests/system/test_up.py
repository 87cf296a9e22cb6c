"""tools/up: two commands on a machine that has nothing, and the way back."""
import json
import pathlib
import re
import signal
import subprocess

import pytest
from drover import ROOT, sh, virsh, wait_until

STATE = pathlib.Path("/var/lib/drover")
PID_FILE = pathlib.Path("/run/drover/droverd.pid")


def up(*arguments):
    done = subprocess.run(
        [ROOT / "tools/up", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages(said):
    return {name: float(seconds) for name, seconds in re.findall(r"^(\w+) (\d+\.\d)$", said, re.MULTILINE)}


def installed(*arguments):
    return sh("/usr/local/bin/drover", *arguments)


def droverd_is_gone():
    return not PID_FILE.exists() or not pathlib.Path(f"/proc/{PID_FILE.read_text().strip()}").exists()


def running_domains():
    return [name for name in virsh("list", "--all", "--name").split() if name.startswith("drover-")]


@pytest.mark.promise("ROAD-1")
@pytest.mark.promise("ROAD-2")
def test_up_repairs_and_down_leaves_others_alone(full, figure):
    said = up()
    took = stages(said)
    assert list(took) == ["packages", "build", "image", "daemon", "guests"]
    figure("image, daemon and guests", took["image"] + took["daemon"] + took["guests"], "s")
    if full:
        assert took["image"] + took["daemon"] + took["guests"] < 60
    command = re.search(r"^  (ssh .*root@\S+)$", said, re.MULTILINE).group(1)
    assert sh(*command.split(), "hostname").strip() == "demo-1"

    # Somebody else's guest, and a daemon that died.
    installed("owner", "set", "other", "--quota", "1")
    installed("request", "--owner", "other", "--count", "1")
    subprocess.run(["kill", f"-{signal.SIGKILL}", PID_FILE.read_text().strip()], check=True)
    wait_until(droverd_is_gone, "the daemon is dead")
    installed_before = sh("sha256sum", "/usr/local/sbin/droverd")
    up()
    assert sh("sha256sum", "/usr/local/sbin/droverd") == installed_before
    assert sorted(re.findall(r'"name":\s*"([^"]+)"', installed("list", "--json"))) == [
        "demo-1",
        "demo-2",
        "demo-3",
        "other-1",
    ]

    assert sh("nft", "list", "tables").count("drover_drover") == 2
    said = up("--down")
    assert "left alone: guests other-1" in said
    assert sh("nft", "list", "tables").count("drover_drover") == 2, "other-1 still needs them"
    assert droverd_is_gone() and STATE.exists()
    assert len(running_domains()) == 1

    up("--down", "--purge", "--yes")
    assert droverd_is_gone() and not STATE.exists() and not pathlib.Path("/etc/drover/drover.yaml").exists()
    assert running_domains() == []
    assert "drover" not in virsh("net-list", "--all", "--name").split()
    assert "drover_drover" not in sh("nft", "list", "tables")


@pytest.mark.only_full  # for the image
@pytest.mark.promise("IMAGE-9")
def test_up_with_debian_gives_web_servers(figure):
    said = up("--image", "debian")
    for stage, seconds in stages(said).items():
        figure(stage, seconds, "s")
    pages = re.search(r"^  (http://.*)$", said, re.MULTILINE).group(1).split()
    assert pages == ["http://demo-1/", "http://demo-2/", "http://demo-3/"]
    for number, address in enumerate(pages, 1):
        assert f"This is demo-{number}, the server of demo." in sh("curl", "-sS", "--max-time", "60", address)
    virsh("shutdown", json.loads(installed("show", "demo-1", "--json"))["domain"], "--mode", "acpi")
    wait_until(lambda: "stopped" in installed("list", "demo-1"), "the power button works", timeout=180)
    up("--down", "--purge", "--yes")
