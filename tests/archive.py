"""A Debian archive of a test's own. In the lab: there /etc is private."""
import hashlib
import os
import pathlib

from drover import sh

SOURCES = pathlib.Path("/etc/apt/sources.list.d/drover-test.list")
SETTINGS = pathlib.Path("/etc/apt/apt.conf.d/90drover-test")
FETCHED = pathlib.Path("/var/cache/drover/packages")
DEBIAN_12 = "1686355200"  # the date of all files: equal packages are equal bytes


class Archive:
    """Packages in a folder, the only ones that apt knows: it reads its lists from there, too, since the lab shares the
    machine's. All other packages of an image are taken from the cache."""

    def __init__(self, folder):
        self.folder = folder
        self.packages = set()
        self.pool = folder / "pool"
        self.pool.mkdir(parents=True)
        for name in ("lists", "cache"):
            (folder / name).mkdir()
        SETTINGS.write_text(f'Dir::State::Lists "{folder}/lists";\nDir::Cache "{folder}/cache";\n')
        SOURCES.write_text(f"deb [trusted=yes] file:{self.pool} ./\n")

    def add(self, package, version, files):
        """Publishes a package with these files, a program's text by its path; apt knows it from now on."""
        tree = self.folder / f"{package}_{version}"
        for path, text in files.items():
            file = tree / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
            f"Maintainer: Drover <drover@localhost>\nDescription: changes with each version\n"
        )
        sh("env", f"SOURCE_DATE_EPOCH={DEBIAN_12}", "dpkg-deb", "--root-owner-group", "--build", tree, self.pool)
        self.packages.add(package)
        self.publish()

    def publish(self):
        (self.pool / "Packages").write_text("\n".join(map(stanza, sorted(self.pool.glob("*.deb")))))
        ours = ["-o", f"Dir::Etc::SourceList={SOURCES}", "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Get::List-Cleanup=0"]
        sh("apt-get", "-q", "-o", "APT::Sandbox::User=root", *ours, "update")

    def close(self):
        """apt forgets it, and so does the cache of packages, which the lab shares with the machine."""
        SOURCES.unlink()
        SETTINGS.unlink()
        for package in self.packages:
            for file in FETCHED.glob(f"{package}_*.deb"):
                file.unlink()


def stanza(deb):
    """What an archive's index says of a package."""
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    return f"{sh('dpkg-deb', '-f', deb)}Filename: ./{deb.name}\nSize: {os.path.getsize(deb)}\nSHA256: {digest}\n"
