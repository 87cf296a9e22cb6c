"""Prometheus' text format, and what queries name."""
import re
import shutil

import door

PORT = 9177  # of the daemon that tests share
PROMTOOL = shutil.which("promtool") or "/var/cache/drover/tools/promtool"


def page(drover, target="/metrics"):
    status, text = door.ask(drover.socket, "GET", target)
    assert status == 200, text
    return text.decode()


class Metrics:
    """One page, taken apart."""

    def __init__(self, text):
        self.samples = {}
        self.names = set()
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                self.names.add(line.split()[2])
            elif line and not line.startswith("#"):
                name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
                pairs = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
                assert (name, pairs) not in self.samples, f"twice: {line}"
                self.samples[name, pairs] = float(value)

    def sum(self, name, **labels):
        """Of all samples of this name that have these labels."""
        return sum(
            value for (known, pairs), value in self.samples.items() if known == name and labels.items() <= set(pairs)
        )

    def series(self):
        return {name for name, _ in self.samples}


def metrics(drover):
    return Metrics(page(drover))


def names_in(query):
    """Names of metrics in a query: what is a word and no function, label, keyword or number."""
    query = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    query = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", query)
    query = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", query)
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*(?!\s*\(|[A-Za-z0-9_])", query)
    return {word for word in words if word not in ("and", "or", "unless", "bool", "sum", "max", "min", "increase")}
