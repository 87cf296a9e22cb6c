"""Faults of guests' domains and overlays, and of versions, planted as an administrator, another program or a bad disk would make them.
Each planter takes a Herd and returns what fsck has to say about it."""
import dataclasses
import json
import pathlib
import re
import shutil

from planted import Fault, printable

# ---- orphan-domain


def orphan(herd, verb, number=None):
    number = next(herd.numbers) if number is None else number
    like = herd.chance.choice(herd.guests)
    name = f"{herd.drover.instance}-{number}"
    herd.make_like(like, name, verb, number)
    return name, Fault("orphan-domain", name, like["name"], ("domain", name))


def domain_of_a_guest_that_never_was(herd):
    return [orphan(herd, "define")[1]]


def running_domain_without_a_definition(herd):
    return [orphan(herd, "create")[1]]


def running_domain_of_a_guest_that_never_was(herd):
    name, fault = orphan(herd, "define")
    herd.virsh("start", name)
    return [fault]


def domain_of_a_guest_that_is_gone(herd):
    guest = herd.take()
    text = herd.domain(guest)
    herd.drover.ask("retire", guest["name"], "--yes")
    herd.guests.remove(guest)
    herd.define(text)
    return [Fault("orphan-domain", guest["domain"], guest["name"], ("domain", guest["domain"]))]


def renamed_domain(herd):
    guest = herd.take("stopped")
    name = herd.chance.choice([f"mine-{guest['id']}", f"{herd.drover.instance}-{next(herd.numbers)}"])
    herd.virsh("domrename", guest["domain"], name)
    herd.guests.remove(guest)
    return [Fault("orphan-domain", name, guest["name"])]


def copied_domain(herd):
    guest = herd.chance.choice(herd.guests)
    name = f"copy-{next(herd.numbers)}"
    herd.make_like(guest, name)
    return [Fault("orphan-domain", name, guest["name"])]


def domain_defined_anew_by_hand(herd):
    guest = herd.take("stopped")
    text = re.sub("<uuid>.*?</uuid>", "", herd.domain(guest))
    herd.virsh("undefine", guest["domain"])
    herd.define(text)
    return [Fault("orphan-domain", guest["domain"], guest["name"])]


# ---- orphan-overlay


def orphan_overlay(herd, name, make):
    path = herd.drover.state / "overlays" / name
    make(path)
    told = printable(str(path))
    return [Fault("orphan-overlay", told, mends=("file", told))]


def fill(folder):
    folder.mkdir()
    (folder / "1.qcow2").write_text(f"the data of {folder.name!r}")


def overlay_of_a_guest_that_never_was(herd):
    return orphan_overlay(herd, str(next(herd.numbers)), fill)


def overlay_of_a_guest_that_is_gone(herd):
    guest = herd.take()
    herd.drover.ask("retire", guest["name"], "--yes")
    herd.guests.remove(guest)
    return orphan_overlay(herd, str(guest["id"]), fill)


def overlay_that_is_no_number(herd):
    name = herd.chance.choice(["007", "-1", "1e3", " 5", "+5", "5 ", "0x10", "99999999999999999999", "old"])
    return orphan_overlay(herd, f"{name}", fill)


def overlay_with_unicode(herd):
    return orphan_overlay(herd, herd.chance.choice(["gäst", "５", "\u202e5", "\x1b[31mred", "a\nb", "\udcff"]), fill)


def overlay_with_a_long_name(herd):
    return orphan_overlay(herd, str(next(herd.numbers)).ljust(255, "x"), fill)


def overlay_that_is_a_file(herd):
    return orphan_overlay(herd, str(next(herd.numbers)), lambda path: path.write_text("no folder"))


def overlay_that_is_a_link_to_a_guests(herd):
    target = herd.drover.state / "overlays" / str(herd.chance.choice(herd.guests)["id"])
    return orphan_overlay(herd, str(next(herd.numbers)), lambda path: path.symlink_to(target))


def overlay_that_a_foreign_domain_uses(herd):
    (fault,) = overlay_of_a_guest_that_never_was(herd)
    herd.make_like(herd.guests[0], f"rescue-{next(herd.numbers)}", tag=False, disk=f"{fault.object}/1.qcow2")
    return [dataclasses.replace(fault, mends=None)]


# ---- missing-overlay


def broken_overlay(herd, break_it):
    guest = herd.take()
    file = herd.overlay(guest)
    break_it(file)
    return [Fault("missing-overlay", str(file), guest["name"])]


def replace(file, make):
    file.unlink()
    make(file)


def overlay_removed(herd):
    return broken_overlay(herd, pathlib.Path.unlink)


def overlay_folder_removed(herd):
    return broken_overlay(herd, lambda file: shutil.rmtree(file.parent))


def overlay_emptied(herd):
    return broken_overlay(herd, lambda file: file.write_bytes(b""))


def overlay_cut(herd):
    kept = herd.chance.randint(1, 150_000)
    return broken_overlay(herd, lambda file: file.write_bytes(file.read_bytes()[:kept]))


def overlay_overwritten(herd):
    rubbish = herd.chance.randbytes(200_000)
    return broken_overlay(herd, lambda file: file.write_bytes(rubbish))


def overlay_replaced_by_a_folder(herd):
    return broken_overlay(herd, lambda file: replace(file, pathlib.Path.mkdir))


def overlay_replaced_by_a_link(herd):
    other = herd.overlay(herd.take())
    return broken_overlay(herd, lambda file: replace(file, lambda path: path.symlink_to(other)))


def overlay_folder_replaced_by_a_file(herd):
    return broken_overlay(herd, lambda file: (shutil.rmtree(file.parent), file.parent.write_text("no folder")))


# ---- missing-domain


def undefined(herd, phase):
    guest = herd.take(phase)
    herd.virsh("undefine", guest["domain"])
    herd.guests.remove(guest)
    return [Fault("missing-domain", guest["domain"], guest["name"])]


def stopped_domain_undefined(herd):
    return undefined(herd, "stopped")


def running_domain_undefined(herd):
    return undefined(herd, "ready")


# ---- orphan-root


def orphan_root(herd, name, make, mends=True):
    path = herd.drover.state / "roots/tiny" / name
    make(path)
    told = printable(str(path))
    return [Fault("orphan-root", told, mends=("file", told) if mends else None)]


def some_digits(herd):
    return f"{next(herd.numbers):064x}"


def half_a_version(herd):
    return orphan_root(herd, some_digits(herd), lambda path: (path.mkdir(), (path / "vmlinuz").write_text("half")))


def version_that_nobody_knows(herd):
    (known,) = [path for path in (herd.drover.state / "roots/tiny").iterdir() if path.name.startswith(herd.version)]
    return orphan_root(herd, some_digits(herd), lambda path: shutil.copytree(known, path), mends=False)


def file_among_the_versions(herd):
    return orphan_root(herd, herd.chance.choice(["note", "gäst", "a\nb"]), lambda path: path.write_text("no folder"))


# ---- orphan-copy


def orphan_copy(herd, name, make):
    path = herd.drover.state / "copies" / name
    make(path)
    told = printable(str(path))
    return [Fault("orphan-copy", told, mends=("file", told))]


def copy_that_nobody_knows(herd):
    known = herd.overlay(herd.guests[0])
    return orphan_copy(herd, str(next(herd.numbers)), lambda path: (path.mkdir(), shutil.copy(known, path / "overlay")))


def file_among_the_copies(herd):
    return orphan_copy(herd, herd.chance.choice(["note", "gäst", "07"]), lambda path: path.write_text("no folder"))


# ---- orphan-log


def orphan_log(herd, name, make):
    path = herd.drover.state / "consoles" / name
    make(path)
    told = printable(str(path))
    return [Fault("orphan-log", told, mends=("file", told))]


def log_that_nobody_knows(herd):
    return orphan_log(
        herd, str(next(herd.numbers)), lambda path: (path.mkdir(mode=0o700), (path / "1.log").write_text("login:"))
    )


def file_among_the_logs(herd):
    return orphan_log(herd, herd.chance.choice(["note", "gäst", "07"]), lambda path: path.write_text("no folder"))


# ---- orphan-template


def orphan_template(herd, name, make):
    path = herd.drover.state / "templates" / name
    make(path)
    told = printable(str(path))
    return [Fault("orphan-template", told, mends=("file", told))]


def template_without_a_manifest(herd):
    return orphan_template(herd, "0" * 32, lambda path: (path.mkdir(), (path / "memory").write_bytes(b"m" * 5000)))


def make_template(path, version):
    path.mkdir()
    (path / "manifest.json").write_text(json.dumps({"image": "tiny", "version": f"sha256:{version}"}))
    (path / "memory").write_bytes(b"m" * 5000)


def template_of_a_version_that_nobody_knows(herd):
    version = "".join(herd.chance.choices("0123456789abcdef", k=64))
    return orphan_template(
        herd, version[:32], lambda path: (make_template(path, version), (path / "state").write_bytes(b"s"))
    )


def template_without_its_state(herd):
    return orphan_template(herd, "1" * 32, lambda path: make_template(path, herd.version))


def file_among_the_templates(herd):
    return orphan_template(herd, herd.chance.choice(["note", "gäst", "07"]), lambda path: path.write_text("no folder"))


def domain_of_a_template(herd):
    name = f"{herd.drover.instance}-{herd.chance.choice(['template', 'trial'])}"
    herd.make_like(herd.guests[0], name, "create")
    return [Fault("orphan-template", name, mends=("domain", name))]


KINDS = {
    "orphan-template": [
        template_without_a_manifest,
        template_of_a_version_that_nobody_knows,
        domain_of_a_template,
        template_without_its_state,
        file_among_the_templates,
    ],
    "orphan-log": [log_that_nobody_knows, file_among_the_logs],
    "orphan-copy": [copy_that_nobody_knows, file_among_the_copies],
    "orphan-root": [half_a_version, version_that_nobody_knows, file_among_the_versions],
    "orphan-domain": [
        domain_of_a_guest_that_never_was,
        running_domain_without_a_definition,
        running_domain_of_a_guest_that_never_was,
        domain_of_a_guest_that_is_gone,
        renamed_domain,
        copied_domain,
        domain_defined_anew_by_hand,
    ],
    "orphan-overlay": [
        overlay_of_a_guest_that_never_was,
        overlay_of_a_guest_that_is_gone,
        overlay_that_is_no_number,
        overlay_with_unicode,
        overlay_with_a_long_name,
        overlay_that_is_a_file,
        overlay_that_is_a_link_to_a_guests,
        overlay_that_a_foreign_domain_uses,
    ],
    "missing-overlay": [
        overlay_removed,
        overlay_folder_removed,
        overlay_emptied,
        overlay_cut,
        overlay_overwritten,
        overlay_replaced_by_a_folder,
        overlay_replaced_by_a_link,
        overlay_folder_replaced_by_a_file,
    ],
    "missing-domain": [stopped_domain_undefined, running_domain_undefined] * 3,
}
