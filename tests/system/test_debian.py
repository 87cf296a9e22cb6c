"""Debian guests: systemd, servers, and what a student makes of them, as a vm and as containers."""
import pathlib
import shutil

import pytest
from drover import ROOT, Drover, Owner, everywhere, sh, virsh, wait_until

pytestmark = pytest.mark.only_full  # for the image

IMAGE = "debian-web"
PATCHED = pathlib.Path("/etc/drover/images") / IMAGE  # goes before the recipe of that name; the lab's own
SHIPPED_CONF = "usr/local/httpd/conf/httpd.conf"
# An emulated guest boots systemd in seconds of a processor, of which a busy machine may give it few.
SETTINGS = "timeouts: {ready: 600s, stop: 120s}\nquota: {default: 10}\n"
MINE = """\
set -e
echo 'the page of {name}' >/usr/local/httpd/htdocs/index.html
echo 'Listen 8080' >>/usr/local/httpd/conf/httpd.conf
printf '#!/bin/sh\\necho a program of mine\\n' >/usr/local/bin/mine
printf '#!/bin/sh\\nmine >/run/rc.local\\n' >/usr/local/etc/rc.d/rc.local
chmod +x /usr/local/bin/mine /usr/local/etc/rc.d/rc.local
echo '* * * * * mine >>/home/cron' | crontab -
systemctl reload apache2
systemctl enable mariadb
systemctl start --no-block mariadb
"""
MAKE_ROW = """mariadb -e "create database d; create table d.t (x text); insert into d.t values ('a row of mine')" """
ROW = "mariadb -N -e 'select x from d.t'"


@pytest.fixture(scope="module")
def drover():
    one = Drover("debian", SETTINGS)
    one.start()
    one.ask("image", "build", IMAGE)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def second_version(drover):
    """Of the same image, with other files where users have changed theirs."""
    shutil.copytree(ROOT / "images" / IMAGE, PATCHED)
    conf = PATCHED / "root" / SHIPPED_CONF
    conf.parent.mkdir(parents=True)
    conf.write_text((ROOT / "images/debian/root" / SHIPPED_CONF).read_text().replace("Listen 80", "Listen 81"))
    (PATCHED / "root/etc/motd").write_text("the second version\n")
    yield drover.ask("image", "build", IMAGE)["message"]
    shutil.rmtree(PATCHED)


def page(name, port=80):
    """What the web server of a guest says, asked by name from the host."""
    return sh("curl", "-sS", "--max-time", "60", f"http://{name}:{port}/", check=False).strip()


def processor_time(domain):
    """Seconds of a processor that the guest has had."""
    return int(virsh("domstats", "--cpu-total", domain).split("cpu.time=")[1].split()[0]) / 1e9


def make_mine(owner, name):
    owner.ssh(name, MINE.format(name=name))
    wait_until(lambda: owner.try_ssh(name, MAKE_ROW).returncode == 0, "the database takes a row", 900)


def assert_pages(name):
    for port in (80, 8080):
        wait_until(lambda port=port: page(name, port) == f"the page of {name}", f"{name} answers at {port}")


def assert_mine(owner, name):
    assert_pages(name)
    wait_until(lambda: owner.try_ssh(name, "cat /run/rc.local").stdout == "a program of mine\n", "rc.local ran")
    assert owner.ssh(name, "systemctl is-active cron") == "active"
    assert owner.ssh(name, "crontab -l").endswith("mine >>/home/cron")
    wait_until(lambda: owner.try_ssh(name, ROW).stdout == "a row of mine\n", "the database has its row", 300)


def assert_survives_all(drover, owner, second_version):
    """What a student made is there after a stop, after an upgrade, and after the way back."""
    names = owner.names()
    (first_version,) = {guest["version"] for guest in owner.guests()}
    everywhere(lambda name: make_mine(owner, name), names)
    everywhere(assert_pages, names)

    drover.ask("stop", *names, "--timeout", "0")
    drover.ask("start", *names, "--timeout", "0")
    everywhere(lambda name: assert_mine(owner, name), names)

    upgrade = ["upgrade", *names, "--to", second_version]
    for verb, version in ((upgrade, second_version), (["rollback", *names], first_version)):
        drover.ask(*verb, "--timeout", "0")
        assert {guest["version"] for guest in owner.guests()} == {version}
        has_motd = version == second_version
        everywhere(lambda name: assert_mine(owner, name), names)
        for name in names:
            assert (owner.try_ssh(name, "cat /etc/motd").stdout == "the second version\n") == has_motd


def assert_in_order(owner, name):
    assert f"{name}, the server of {owner.name}" in page(name)
    assert owner.ssh(name, "systemctl is-system-running --wait") == "running"
    assert owner.ssh(name, "systemctl list-timers --all --no-legend") == ""
    assert owner.ssh(name, "hostname; cat /etc/machine-id").splitlines()[0] == name
    assert "Startup finished" in owner.ssh(name, "journalctl --no-pager")
    refused = owner.try_ssh(name, "apt-get -y install sl")
    assert refused.returncode == 100 and "read-only" in refused.stderr and "/usr/local" in refused.stderr
    assert owner.try_ssh(name, "touch /usr/bin/mine").returncode != 0
    assert owner.ssh(name, "dpkg-query -W -f '${db:Status-Status}' apache2") == "installed"


@pytest.mark.promise("IMAGE-5")
def test_a_vm_keeps_what_a_student_made(drover, second_version, keys, figure):
    owner = Owner(drover, "student", keys, quota=1)
    owner.request(1, "--image", IMAGE, "--kind", "vm", "--timeout", "900s")
    (name,) = owner.names()
    domain = drover.guest(name)["domain"]
    figure("boot until ready", processor_time(domain), "s of a processor")
    assert_in_order(owner, name)
    assert_survives_all(drover, owner, second_version)

    virsh("shutdown", domain, "--mode", "acpi")
    wait_until(lambda: drover.guest(name)["phase"] == "stopped", "the power button works", timeout=180)
    owner.retire_all()
    assert drover.findings() == []


@pytest.mark.promise("IMAGE-6")
def test_containers_have_a_systemd_each(drover, second_version, keys):
    owner = Owner(drover, "students", keys, quota=3)
    owner.request(3, "--image", IMAGE, "--kind", "container")
    everywhere(lambda name: assert_in_order(owner, name), owner.names())
    assert_survives_all(drover, owner, second_version)
    owner.retire_all()
    assert drover.findings() == []


@pytest.mark.promise("IMAGE-7")
def test_the_same_packages_make_the_same_root(drover):
    first = {version["version"] for version in drover.ask("image", "list") if version["image"] == IMAGE}
    assert drover.ask("image", "build", IMAGE)["message"] in first
