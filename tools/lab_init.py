"""The first process of a lab, once everything stands: runs a command, hands TERM and HUP on to it, reaps what nobody
else waits for, and ends with the command's status; the kernel then ends all other processes of the lab."""
import os
import pathlib
import signal
import sys

HANDED_ON = (signal.SIGTERM, signal.SIGHUP)
RESET = (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, *HANDED_ON)


def start(command):
    try:
        return os.posix_spawnp(command[0], command, os.environ, setsigmask=(), setsigdef=RESET)
    except OSError as error:
        print(f"lab: {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def reap_until(child):
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def thaw():
    """What is frozen cannot be killed: parked containers would keep the lab from ending. Groups of other labs hold none
    of our processes: there the kernel tells the number 0."""
    for state in pathlib.Path("/sys/fs/cgroup/freezer").rglob("freezer.state"):
        try:
            ours = any(int(line) for line in (state.parent / "cgroup.procs").read_text().split())
            if ours and state.read_text() != "THAWED\n":
                state.write_text("THAWED")
        except OSError:
            continue  # it went meanwhile


def hand_on(child, number):
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass  # it has just ended


def main(command):
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the command too, which decides
    child = start(command)
    for number in HANDED_ON:
        signal.signal(number, lambda received, _: hand_on(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
    code = reap_until(child)
    thaw()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
