"""Completion of the command line, held against what `drover --help` says, and really run by the shells."""
import os
import pty
import re
import select
import subprocess

import pytest
from drover import BIN, ROOT, sh

BASH = ROOT / "completions/drover.bash"
ZSH = ROOT / "completions/drover.zsh"


def help_of(*verb):
    return sh(BIN / "drover", *verb, "--help")


def verbs_in(text):
    part = text.partition("\nVerbs:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", part, re.MULTILINE)


def flags_in(text):
    part = text.partition("\nOptions:\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", part, re.MULTILINE))


def all_verbs():
    """Every verb as a tuple of words, () for none."""
    yield ()
    for verb in verbs_in(help_of()):
        yield (verb,)
        for second in verbs_in(help_of(verb)):
            yield (verb, second)


def complete(*words, socket="/nonexistent"):
    """What bash offers when Tab is pressed at the end of these words."""
    script = 'source "$1"; shift; COMP_WORDS=(drover "$@"); COMP_CWORD=$#; _drover; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", BASH, *words],
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "DROVER_SOCKET": str(socket)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return set(done.stdout.split())


@pytest.mark.promise("TRUST-8")
def test_bash_offers_every_verb_and_every_flag():
    seen = 0
    for verb in all_verbs():
        page = help_of(*verb)
        wanted = flags_in(page) | {"--json", "--socket"}
        assert complete(*verb, "-") == wanted, verb
        verbs = verbs_in(page)
        assert not verbs or complete(*verb, "") == set(verbs), verb
        seen += len(wanted)
    assert seen > 60


@pytest.mark.promise("TRUST-8")
def test_zsh_knows_every_verb_and_every_flag():
    text = ZSH.read_text()
    for verb in all_verbs():
        for flag in flags_in(help_of(*verb)):
            assert re.search(rf"'\*?{flag}\[", text), (verb, flag)
    for verb in verbs_in(help_of()):
        assert f"'{verb}:" in text, verb


def read_until(screen, wanted, timeout=30):
    seen = ""
    while wanted not in seen:
        ready, _, _ = select.select([screen], [], [], timeout)
        assert ready, f"{wanted!r} does not appear after {seen!r}"
        seen += os.read(screen, 4096).decode()


@pytest.mark.promise("TRUST-8")
@pytest.mark.parametrize(
    "typed, rest",
    [
        ("drover ret", "ire "),
        ("drover retire --y", "es "),
        ("drover owner se", "t "),
        ("drover owner set --q", "uota "),
        ("drover request --kind c", "ontainer "),
    ],
)
def test_zsh_completes_at_a_terminal(tmp_path, typed, rest):
    (tmp_path / "_drover").write_text(ZSH.read_text())
    screen, terminal = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"],
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "DROVER_SOCKET": "/nonexistent", "TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        os.write(screen, f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; PS1=now-''ready\n".encode())
        read_until(screen, "now-ready")
        os.write(screen, f"{typed}\t".encode())
        read_until(screen, rest)
    finally:
        shell.kill()
        shell.wait()
        os.close(screen)


@pytest.mark.promise("TRUST-8")
def test_names_come_from_the_daemon(drover, owner):
    operation = owner.request(2, "--no-wait")["operation"]
    names = {f"{owner.name}-1", f"{owner.name}-2"}
    assert complete("list", f"{owner.name}-", socket=drover.socket) == names
    assert complete("--socket", str(drover.socket), "stop", f"{owner.name}-") == names
    assert owner.name in complete("request", "--owner", "", socket=drover.socket)
    assert complete("request", "--image", "t", socket=drover.socket) == {"tiny"}
    versions = {row["version"].removeprefix("sha256:") for row in drover.ask("image", "list") if row["version"]}
    assert complete("image", "diff", "", socket=drover.socket) == versions
    assert complete("upgrade", "--to", "", socket=drover.socket) == versions
    assert complete("upgrade", "--canary", f"{owner.name}-", socket=drover.socket) == names
    assert operation in complete("operations", "", socket=drover.socket)


@pytest.mark.promise("TRUST-8")
def test_without_a_daemon_nothing_is_said():
    assert complete("show", "") == set()
    assert complete("request", "--kind", "") == {"vm", "container"}
    assert complete("re") == {"request", "restart", "rebuild", "retire", "resume", "restore", "recover"}
