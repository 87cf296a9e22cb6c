"""The daemon's socket without the client: HTTP as any account of the lab, with any header."""
import contextlib
import http.client
import json
import os
import pwd
import socket


@contextlib.contextmanager
def acting_as(account):
    """Makes the whole process the account, with its supplementary groups: what the kernel tells a peer at connect."""
    entry = pwd.getpwnam(account)
    groups = os.getgroups()
    os.setgroups(os.getgrouplist(account, entry.pw_gid))
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


class Connection(http.client.HTTPConnection):
    def __init__(self, path, account):
        super().__init__("drover", timeout=120)
        self.path = str(path)
        self.account = account

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        with acting_as(self.account) if self.account else contextlib.nullcontext():
            self.sock.connect(self.path)


def ask(path, method, target, body=None, headers=None, account=None):
    """Status and answer of one request at this socket, on a connection of its own. `account` is for one thread only."""
    with contextlib.closing(Connection(path, account)) as connection:
        text = None if body is None else json.dumps(body)
        connection.request(method, target, text, headers or {})
        answer = connection.getresponse()
        said = answer.read()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(said) if is_json else said
