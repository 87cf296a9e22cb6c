"""HTTP by hand over a Unix socket: whatever bytes a test likes, and what came back for them."""
import contextlib
import json
import socket
import threading

DEADLINE = 30  # seconds for one request; the daemon gives up on a client after 10


class Reply:
    """One answer: its status and its body, read as JSON."""

    def __init__(self, status, body):
        self.status = status
        self.json = json.loads(body)

    @property
    def message(self):
        """The error's message; the answer must be an error as schema/openapi.yaml describes it."""
        assert set(self.json) == {"error"} and set(self.json["error"]) == {"kind", "message", "hint"}, self.json
        assert all(isinstance(value, str) for value in self.json["error"].values()), self.json
        return self.json["error"]["message"]


def connect(path):
    door = socket.socket(socket.AF_UNIX)
    door.settimeout(DEADLINE)
    door.connect(str(path))
    return door


def feed(door, data):
    """Sends what the other end takes, and says that this was all."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        door.sendall(data)
        door.shutdown(socket.SHUT_WR)


def read_all(door):
    """All bytes until the other end closes."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := door.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def replies_in(data):
    replies = []
    while data:
        head, separator, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        assert separator and lines[0].startswith("HTTP/1."), data[:200]
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        size = int(fields["content-length"])
        assert len(rest) >= size, data[:200]
        replies.append(Reply(int(lines[0].split()[1]), rest[:size]))
        data = rest[size:]
    return replies


def exchange(path, data):
    """Says `data` on a connection of its own; all answers to it. socket.timeout when the daemon hangs."""
    with contextlib.closing(connect(path)) as door:
        sender = threading.Thread(target=feed, args=(door, data)) if len(data) > 65536 else None
        if sender:
            sender.start()
        else:
            feed(door, data)
        answer = read_all(door)
        if sender:
            sender.join()
    return replies_in(answer)


def request(method, target, body=b"", headers=()):
    """The bytes of a well-formed request; what is in it is the caller's business."""
    target = target.encode() if isinstance(target, str) else target
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: drover", *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(path, method, target, body=b"", headers=()):
    """The one answer to a request."""
    replies = exchange(path, request(method, target, body, headers))
    assert len(replies) == 1, replies
    return replies[0]
