"""What a process uses of the machine, as /proc tells it."""
import os
import pathlib
import re

TICKS = os.sysconf("SC_CLK_TCK")


class Usage:
    """Of one process."""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")

    def memory(self):
        """Resident bytes."""
        return int(re.search(r"VmRSS:\s+(\d+) kB", (self.proc / "status").read_text())[1]) * 1024

    def descriptors(self):
        return len(list((self.proc / "fd").iterdir()))

    def cpu_seconds(self):
        """User and system time of all its threads since it began, those that ended included."""
        fields = (self.proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
