"""What a fork and a cold start cost without Drover, for figures to hold it against: the fewest calls that do it."""
import concurrent.futures
import ctypes
import json
import os
import re
import shutil
import socket
import time
import uuid

from drover import sh, virsh, wait_until

libvirt, qemu = ctypes.CDLL("libvirt.so.0"), ctypes.CDLL("libvirt-qemu.so.0")
libvirt.virConnectOpen.restype = libvirt.virDomainCreateXML.restype = ctypes.c_void_p
PAUSED = 1


def another(text, name, overlay):
    """The XML of a guest as that of one more, without what libvirt adds to one that runs."""
    text = re.sub(r"<metadata>.*?</metadata>|<title>.*?</title>|<target dev='[^']+'/>|<alias name=.*?/>", "", text, flags=re.S)
    text = re.sub(r"<uuid>.*?</uuid>", f"<uuid>{uuid.uuid4()}</uuid>", re.sub(r"<name>.*?</name>", f"<name>{name}</name>", text))
    text = re.sub(r"<mac address=.*?/>|<source mode='bind' path=.*?/>", "", text)
    return re.sub(r"<source file='[^']*/overlays/[^']*'", f"<source file='{overlay}'", text)


def ask(domain, command, file=None, **arguments):
    reply, line = ctypes.c_char_p(), json.dumps({"execute": command, "arguments": arguments}).encode()
    handle, answer = ctypes.c_void_p(domain), ctypes.byref(reply)
    if file is None:
        done = qemu.virDomainQemuMonitorCommand(handle, line, answer, 0)
    else:
        done = qemu.virDomainQemuMonitorCommandWithFiles(handle, line, 1, (ctypes.c_int * 1)(file), None, None, answer, 0)
    assert done == 0 and b'"error"' not in reply.value, (command, reply.value)
    return json.loads(reply.value)["return"]


def fork(connection, text, state):
    domain = libvirt.virDomainCreateXML(ctypes.c_void_p(connection), text.encode(), PAUSED)
    assert domain, text
    ask(domain, "migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])
    file = os.open(state, os.O_RDONLY)
    ask(domain, "getfd", file, fdname="state")
    os.close(file)
    ask(domain, "migrate-incoming", uri="fd:state")
    while ask(domain, "query-status")["status"] == "inmigrate":
        time.sleep(0.002)
    assert libvirt.virDomainResume(ctypes.c_void_p(domain)) == 0


def loop_of_forks(guest, template, fresh, folder, count):
    """Seconds for so many forks of a template, three at once, each on a copy of `fresh`; `guest` is a fork of it."""
    connection = libvirt.virConnectOpen(b"qemu:///system")
    live = virsh("dumpxml", guest["domain"])
    def one(n):
        overlay = folder / f"bare-{n}.qcow2"
        shutil.copy(fresh, overlay)
        overlay.chmod(0o666)
        fork(connection, another(live, f"bare-{n}", overlay), template / "state")

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(count)))
    took = time.monotonic() - began
    for n in range(count):
        virsh("destroy", f"bare-{n}")
    return took


def says_hello(domain):
    """Waits for the first word on the guest's control channel."""
    path = re.search(r"path='([^']*drover.control)'", virsh("dumpxml", domain)).group(1)
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(path)
        channel.settimeout(600)
        heard = b""
        while b"HELLO" not in heard:
            heard += channel.recv(4096)


def one_by_one(guest, base, folder, count):
    """Seconds for each of so many guests made by qemu-img and virsh, one after the other."""
    text = virsh("dumpxml", "--inactive", guest["domain"])
    began = time.monotonic()
    for n in range(count):
        overlay = folder / f"cold-{n}.qcow2"
        sh("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, overlay)
        overlay.chmod(0o666)
        (folder / "cold.xml").write_text(another(text, f"cold-{n}", overlay))
        virsh("define", folder / "cold.xml")
        virsh("start", f"cold-{n}")
        says_hello(f"cold-{n}")
    took = (time.monotonic() - began) / count
    for n in range(count):
        virsh("destroy", f"cold-{n}")
        virsh("undefine", f"cold-{n}")
    wait_until(lambda: "cold-" not in virsh("list", "--all", "--name"), "they are gone")
    return took
