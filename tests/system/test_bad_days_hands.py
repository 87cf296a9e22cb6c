"""Somebody works on libvirt and in the state folder by hand, behind Drover's back: it is seen, and corrected or reported."""
import shutil

import pytest
from bad_days import last_event, messages
from drover import sh, virsh, wait_until

FOREIGN = """<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
</domain>"""


@pytest.fixture
def guest(drover, owner):
    """One that is ready: its name and its domain."""
    owner.request(1)
    name = owner.names()[0]
    return name, drover.guest(name)["domain"]


def kinds(drover):
    return [finding["kind"] for finding in drover.findings()]


@pytest.mark.promise("TRUST-14")
def test_destroyed(drover, owner, guest):
    """A crash, by whomever: it comes back."""
    name, domain = guest
    boot, before = owner.boot_id(name), last_event(drover)
    virsh("destroy", domain)
    wait_until(lambda: any("nobody asked for it" in said for said in messages(drover, before)), "the crash is seen")
    owner.wait_for("ready", 1)
    assert owner.boot_id(name) not in ("", boot)
    assert drover.findings() == []


@pytest.mark.promise("TRUST-14")
def test_undefined_running(drover, owner, guest):
    """It runs on; fsck says what will bite, and the next start mends it."""
    name, domain = guest
    boot = owner.boot_id(name)
    virsh("undefine", domain)
    finding = wait_until(drover.findings, "it is reported")[0]
    assert (finding["kind"], finding["guest"]) == ("missing-domain", name)
    assert f"drover restart {name}" in finding["detail"]
    assert owner.boot_id(name) == boot
    drover.ask("restart", name)
    assert domain in virsh("list", "--persistent", "--name").split()
    assert drover.findings() == []


@pytest.mark.promise("TRUST-14")
def test_undefined_off(drover, owner, guest):
    name, domain = guest
    owner.ssh(name, "echo kept > /usr/local/word && sync")
    drover.ask("stop", name)
    virsh("undefine", domain)
    assert kinds(drover) == ["missing-domain"]
    drover.ask("start", name)
    assert owner.ssh(name, "cat /usr/local/word") == "kept"
    assert drover.findings() == []


@pytest.mark.promise("TRUST-14")
def test_suspended(drover, owner, guest):
    name, domain = guest
    boot = owner.boot_id(name)
    virsh("suspend", domain)
    wait_until(lambda: virsh("domstate", domain).strip() == "running", "it is resumed")
    assert owner.boot_id(name) == boot
    assert owner.phases()[name] == "ready"


@pytest.mark.promise("TRUST-14")
def test_overlay_deleted(drover, owner, guest):
    """Never started onto nothing: what is lost is said, and a rebuild begins afresh."""
    name, _ = guest
    drover.ask("stop", name)
    shutil.rmtree(drover.state / "overlays" / str(drover.guest(name)["id"]))
    finding = drover.findings()[0]
    assert (finding["kind"], finding["guest"]) == ("missing-overlay", name)
    assert drover.call("start", name).code == 1
    fault = drover.guest(name)["fault"]
    assert "no overlay" in fault["message"], fault
    assert kinds(drover) == ["missing-overlay"]
    drover.ask("start", name, "--no-wait")
    drover.ask("rebuild", name, "--yes")
    drover.ask("start", name)
    assert owner.ssh(name, "hostname") == name
    assert drover.findings() == []


@pytest.mark.promise("TRUST-14")
def test_overlay_deleted_under_it(drover, owner, guest):
    """It is reported while the guest runs, and when it crashes it is not started onto nothing."""
    name, domain = guest
    shutil.rmtree(drover.state / "overlays" / str(drover.guest(name)["id"]))
    assert kinds(drover) == ["missing-overlay"]
    virsh("destroy", domain)
    fault = wait_until(lambda: drover.guest(name)["fault"], "it is given up")
    assert "no overlay" in fault["message"], fault
    drover.ask("retire", name, "--yes")
    assert drover.findings() == []


@pytest.mark.promise("TRUST-14")
def test_a_foreign_domain_has_the_name(drover, owner, guest, tmp_path):
    """Left alone, whatever is asked of the guest that should have its name."""
    name = f"{drover.instance}-{drover.guest(guest[0])['id'] + 1}"
    file = tmp_path / "foreign.xml"
    file.write_text(FOREIGN.format(name=name))
    virsh("define", file)
    foreign = virsh("dumpxml", name)
    try:
        assert drover.call("request", "--owner", owner.name, "--count", 2).code == 1
        (second,) = set(owner.names()) - {guest[0]}
        fault = drover.guest(second)["fault"]
        assert f"domain {name} belongs to somebody else" in fault["message"], fault
        assert "foreign-state" in kinds(drover)
        drover.ask("retire", second, "--yes")
        assert virsh("dumpxml", name) == foreign
    finally:
        sh("virsh", "-q", "-c", "qemu:///system", "undefine", name)
    assert drover.findings() == []
