"""The house: what DESIGN promises about the code itself."""
import json
import re
import shlex
import subprocess

import pytest
from drover import BIN, BUILD, ROOT, sh

THE_WAY_OF_A_REQUEST = [
    "provisioner/cli/request.cpp",
    "provisioner/api/guests.cpp",
    "provisioner/registry/guests.cpp",
    "provisioner/herd/herd.cpp",
    "provisioner/herd/steps.cpp",
    "provisioner/hypervisor/libvirt.cpp",
]


@pytest.mark.parametrize("path", THE_WAY_OF_A_REQUEST)
def test_the_way_of_a_request_is_six_short_files(path):
    assert len((ROOT / path).read_text().splitlines()) < 400


def test_the_step_table_in_the_docs_is_the_one_in_the_code():
    assert (ROOT / "docs/design/step-table.md").read_text() == sh(BIN / "droverd", "--print-step-table")


def compiles(room, text, folder):
    """Whether a file of this room with this text compiles, with the flags that the room's own files have."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    entry = next(each for each in entries if f"/provisioner/{room}/" in each["file"])
    source = folder / "probe.cpp"
    source.write_text(text)
    words = shlex.split(entry["command"])
    words[words.index("-o") + 1] = "/dev/null"
    words[words.index(entry["file"])] = str(source)
    return subprocess.run(words, cwd=entry["directory"], capture_output=True, text=True)


@pytest.mark.parametrize(
    "room, allowed, forbidden",
    [
        ("storage", "model/error.hpp", "registry/registry.hpp"),
        ("registry", "model/guest.hpp", "hypervisor/domains.hpp"),
        ("model", "model/step.hpp", "storage/storage.hpp"),
        ("cli", "wire/wire.hpp", "herd/herd.hpp"),
    ],
)
def test_an_arrow_that_should_not_exist_does_not_compile(tmp_path, room, allowed, forbidden):
    assert compiles(room, f'#include "{allowed}"\n', tmp_path).returncode == 0
    refused = compiles(room, f'#include "{forbidden}"\n', tmp_path)
    assert refused.returncode != 0 and f"{forbidden}: No such file" in refused.stderr


def test_every_failpoint_in_the_code_can_be_armed():
    listed = set(sh(BIN / "droverd", "--list-failpoints").split())
    sources = "\n".join(path.read_text() for path in (ROOT / "provisioner").rglob("*.cpp"))
    passed = set(re.findall(r'failpoint\("([a-z.]+)"\)', sources))
    commits = set(re.findall(r'transact\("([a-z.]+)"', sources))
    assert passed | {f"{commit}.{moment}" for commit in commits for moment in ("before", "after")} == listed
