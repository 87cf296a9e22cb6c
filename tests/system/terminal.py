"""A terminal with a program at it, as somebody who types there has it."""
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

from drover import BIN


class Terminal:
    """The client at a terminal of its own. What it and its guest print is gathered in `seen`."""

    def __init__(self, drover, *arguments, account=None):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""
        command = [BIN / "drover", *arguments]
        if account:
            command = ["setpriv", "--reuid", account, "--regid", account, "--init-groups", *command]
        self.process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "DROVER_SOCKET": str(drover.socket), "TERM": "vt100"},
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0),
        )

    def read(self, seconds=0.1):
        while select.select([self.master], [], [], seconds)[0]:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                return
            if not piece:
                return
            self.seen += piece.decode("utf-8", "replace")
            seconds = 0

    def expect(self, pattern, timeout=60):
        """Waits until this was printed; what came before it and itself is not looked at again."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, f"{pattern!r} not within {timeout} s in {self.seen!r}"
            assert self.process.poll() is None or select.select([self.master], [], [], 0)[0], (
                f"{pattern!r}: ended with {self.process.returncode}: {self.seen!r}"
            )
            self.read()
        self.seen = self.seen[found.end() :]
        return found

    def type(self, text):
        os.write(self.master, text.encode())

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before

    def end(self, timeout=30):
        """Its exit code; what it prints meanwhile is read."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"does not end: {self.seen!r}"
            self.read()
        self.read()
        return self.process.returncode

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def hang_up(self):
        """The window is closed."""
        os.close(self.slave)
        os.close(self.master)
        self.slave = self.master = None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self.master, self.slave):
            if end is not None:
                os.close(end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
