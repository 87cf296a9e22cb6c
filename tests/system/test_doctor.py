"""`drover doctor` tells what on the host will bite, from inside of the daemon and from outside."""
import contextlib
import json
import pathlib
import subprocess

import pytest
from drover import BIN, Drover, sh


@contextlib.contextmanager
def small_file_system(folder, size):
    """A file system in memory of this size, over the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sh("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield
    finally:
        sh("umount", "--lazy", folder)


def by_check(diagnoses):
    return {each["check"]: each for each in diagnoses}


def look_from_outside(drover):
    done = subprocess.run(
        [BIN / "droverd", "--doctor", "--json", "--config", drover.config], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert done.returncode == int(any(each["level"] != "ok" for each in found))
    return by_check(found)


@pytest.mark.promise("TRUST-7")
def test_what_is_planted_in_a_lab_is_found(drover):
    answer = drover.call("doctor")
    assert answer.code == int(any(each["level"] != "ok" for each in answer.json)), answer.err
    found = by_check(answer.json)
    for check in ("daemon", "libvirt", "qemu", "qemu-user", "programs", "registry", "clock"):
        assert found[check]["level"] == "ok", found[check]
    assert found["accelerator"]["level"] in ("ok", "warn")
    for each in found.values():
        assert set(each) == {"check", "level", "message", "mend"}
        assert bool(each["mend"]) == (each["level"] != "ok"), each
    assert look_from_outside(drover).keys() == found.keys()

    with small_file_system(pathlib.Path("/var/log/small"), "1M"):
        sh("mount", "--bind", "/var/log/small", "/var/log")
        try:
            bitten = by_check(drover.call("doctor").json)["space-log"]
            assert bitten["level"] == "error" and "/var/log" in bitten["message"]
        finally:
            sh("umount", "/var/log")
    assert by_check(drover.call("doctor").json)["space-log"]["level"] == found["space-log"]["level"]


@pytest.mark.promise("TRUST-7")
def test_a_state_folder_nearly_full_and_no_daemon_are_seen_from_outside():
    drover = Drover("sick")
    error = drover.refuse(6, "doctor")
    assert "droverd --doctor" in error["hint"]
    with small_file_system(drover.state, "16M"):
        found = look_from_outside(drover)
        assert found["space-state"]["level"] == "error"
        assert found["state-file-system"]["level"] == "error" and "tmpfs" in found["state-file-system"]["message"]
        assert found["daemon"]["level"] == "error" and "droverd" in found["daemon"]["mend"]
        table = subprocess.run([BIN / "droverd", "--doctor", "--config", drover.config], capture_output=True, text=True)
        assert table.returncode == 1 and table.stdout.splitlines()[0].split()[:2] == ["LEVEL", "CHECK"]
        assert "space-state" in table.stdout
