"""Requests wrong in one way each, made at random from schema/openapi.yaml: a new route is covered by itself."""
import json
import re
from typing import NamedTuple
from urllib.parse import quote

import yaml
from drover import ROOT, TINY
from rawhttp import request

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "BREW")

# No name of an owner, guest, image, profile, operation, verb, kind, account, field or parameter.
NAMES = (
    *(
        "", " ", "a b", "a/b", "/", "..", "../../etc/passwd", ".", "a\0b", "\0", "a\nb", "\x1b[2J", "a\x7f",
        "x" * 300, "x" * 8000
    ),
    *(
        "Alice", "alice-", "-alice", "_.", "a_b.", "1-", "a;reboot", "$(reboot)", "'--", '"', "\\", "%s%n", "{}",
        "null!"
    ),
    *(
        "аlice", "ａｌｉｃｅ", "alıce", "alice\u200b", "alice\u202e", "a\u0301lice", "𝖺lice", "ﬁ", "ß", "\ufeffa",
        "\U0010ffff"
    ),
)
NOTHING = {name for name in NAMES if not re.fullmatch(r"[a-z0-9-]{1,255}", name)}  # not even a glob
COUNTS = (
    "0", "-1", "1000000000", "1.5", "1e3", "-0.0", '"ten"', '"1"', "null", "true", "[1]", "{}", "1e999",
    "-9223372036854775809"
)
COUNTS += (str(2**31), str(2**63), str(2**64), "9" * 400)
OTHERS = ("[]", "[[]]", "false", '""', '[""]', "[null]", "[0]", '{"a":1}', "1")
VALUES = (*(json.dumps(name) for name in NAMES), *(json.dumps([name]) for name in NAMES), *COUNTS, *OTHERS)
NO_JSON = (
    "ten", "nan", "NaN", "Infinity", "{", "}", "{]", "[", "{,}", '{"a"}', "{'a':1}", '{"a":1,}', "//",
    "/**/{}", "{}{}"
)
NO_JSON += (
    "0x1", "01", "+1", ".5", '"', '"\\x"', '"\\ud800"', '"\n"', "tru", "[1 2]", '{"a":1 "b":2}', "<a/>",
    "---\na: 1"
)
NO_UTF8 = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\x80")


class Case(NamedTuple):
    """A request to be refused. `http`: it is HTTP enough to be answered; a closed connection will not do."""

    what: str
    data: bytes
    http: bool = True


class Route(NamedTuple):
    method: str
    path: str
    parameters: list
    body: dict | None


class Schema:
    """schema/openapi.yaml, and whether a value is what it asks for."""

    def __init__(self):
        self.document = yaml.safe_load((ROOT / "schema/openapi.yaml").read_text())

    def resolve(self, node):
        while "$ref" in node:
            steps = node["$ref"].removeprefix("#/").split("/")
            node = self.document
            for step in steps:
                node = node[step]
        return node

    def routes(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                parameters = [self.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
                body = operation.get("requestBody")
                body = body and self.resolve(body["content"]["application/json"]["schema"])
                yield Route(method.upper(), path, parameters, body)

    def fits(self, schema, raw):
        """Whether the JSON text may stand where the schema is. Without a pattern NAMES fit only as a glob."""
        schema = self.resolve(schema)
        value = json.loads(raw)
        kind = schema.get("type")
        if value is None:
            return schema.get("nullable", False)
        if kind == "integer":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        if kind == "boolean":
            return isinstance(value, bool)
        if kind == "array":
            return isinstance(value, list) and all(self.fits(schema["items"], json.dumps(entry)) for entry in value)
        if kind == "string" and isinstance(value, str):
            if "pattern" in schema:
                return re.search(schema["pattern"], value) is not None
            return value not in NOTHING and value in schema.get("enum", [value])
        return False


class Malformed:
    """Makes cases without end. `known` are good values by field, so that one thing only is wrong with a request."""

    def __init__(self, chance, known):
        self.chance = chance
        self.known = {"name": TINY, "image": TINY, "count": 1, "verb": "retire", "version": "f" * 64, "copy": "none", "port": "1098/tcp", "protocol": "tcp", "for": "1m", "from": "192.0.2.7", "file": "/none",
                      "hash": f"$6$salt${'x' * 86}", **known}
        self.schema = Schema()
        self.routes = list(self.schema.routes())
        self.with_body = [route for route in self.routes if route.body]
        self.with_place = [route for route in self.routes if "{" in route.path]
        self.with_query = [route for route in self.routes if route.method == "GET"]
        self.kinds = [
            *(self.wrong_value, self.wrong_place, self.wrong_parameter) * 3,
            *(
                self.unknown_field, self.doubled_field, self.missing_field, self.no_json, self.cut_body,
                self.trailing_body
            ),
            *(
                self.nested_body, self.no_utf8, self.unexpected_body, self.unknown_parameter, self.wrong_query,
                self.wrong_route
            ),
            *(self.wrong_key, self.wrong_head, self.wrong_length, self.wrong_chunks, self.no_http),
        ]

    def case(self):
        return self.chance.choice(self.kinds)()

    # ---- good parts

    def good_value(self, name, schema):
        schema = self.schema.resolve(schema)
        if name in self.known and self.known[name] in schema.get("enum", [self.known[name]]):
            return self.known[name]
        if schema.get("type") == "array":
            return []
        plain = {"integer": schema.get("minimum", 1), "boolean": False, "string": "sample", "object": {}}
        return schema.get("enum", [plain[schema["type"]]])[0]

    def good_body(self, route):
        """As little as the route takes: one who changes says of what."""
        wanted = {*route.body.get("required", []), "owner"} & set(route.body.get("properties", {}))
        return {name: self.good_value(name, route.body["properties"][name]) for name in sorted(wanted)}

    def path(self, route):
        return self.filled(route.path)

    def filled(self, path):
        return re.sub(r"\{(\w+)\}", lambda place: str(self.known[place[1]]), path)

    def ask(self, route, body, what, headers=()):
        body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        return Case(f"{what}: {route.method} {route.path}", request(route.method, self.path(route), body, headers))

    def pick_body(self):
        route = self.chance.choice(self.with_body)
        return route, {name: json.dumps(value) for name, value in self.good_body(route).items()}

    # ---- wrong bodies

    def wrong_value(self):
        route, fields = self.pick_body()
        properties = route.body.get("properties")
        if not properties:
            return self.ask(route, self.chance.choice([v for v in VALUES if v != "{}"]), "wrong body")
        name = self.chance.choice(sorted(properties))
        wrong = [value for value in VALUES if not self.schema.fits(properties[name], value)]
        return self.ask(route, as_object({**fields, name: self.chance.choice(wrong)}.items()), f"wrong {name}")

    def unknown_field(self):
        route, fields = self.pick_body()
        name = self.chance.choice([*NAMES, "Count", "count ", "соunt", "owner\0", "__proto__", "id", "force"])
        return self.ask(route, as_object([*fields.items(), (name, self.chance.choice(VALUES))]), "unknown field")

    def doubled_field(self):
        route, fields = self.pick_body()
        name = self.chance.choice(sorted({*route.body.get("properties", {}), "x"}))
        value = fields.get(name, "1")
        return self.ask(route, as_object([*fields.items(), (name, value), (name, value)]), "doubled field")

    def missing_field(self):
        route = self.chance.choice([route for route in self.with_body if route.body.get("required")])
        gone = self.chance.choice(route.body["required"])
        fields = [(name, json.dumps(value)) for name, value in self.good_body(route).items() if name != gone]
        return self.ask(route, as_object(fields), f"no {gone}")

    def no_json(self):
        route, _ = self.pick_body()
        return self.ask(route, self.chance.choice(NO_JSON), "no JSON")

    def cut_body(self):
        route, fields = self.pick_body()
        text = as_object([*fields.items(), ("x", '"y"')])
        return self.ask(route, text[: self.chance.randrange(1, len(text))], "cut body")

    def trailing_body(self):
        route, fields = self.pick_body()
        return self.ask(
            route, as_object(fields.items()) + self.chance.choice(("x", "{}", "\0", "]", ",", "1")), "trailing"
        )

    def nested_body(self):
        route, fields = self.pick_body()
        depth = self.chance.choice((9, 100, 10_000, 300_000))
        opening, closing = self.chance.choice((("[", "]"), ('{"a":', "}")))
        end = closing * depth if self.chance.random() < 0.5 else ""
        deep = opening * depth + "1" + end
        return self.ask(
            route, deep if self.chance.random() < 0.5 else as_object([*fields.items(), ("x", deep)]), "deep"
        )

    def no_utf8(self):
        route, fields = self.pick_body()
        text = as_object([*fields.items(), ("x", '"@"')]).encode()
        return self.ask(route, text.replace(b"@", self.chance.choice(NO_UTF8)), "no UTF-8")

    def unexpected_body(self):
        route = self.chance.choice([route for route in self.routes if not route.body])
        return self.ask(route, self.chance.choice(("{}", "x", "null")), "a body that nobody asked for")

    # ---- wrong targets

    def wrong_place(self):
        route = self.chance.choice(self.with_place)
        name = self.chance.choice(NAMES).encode()
        written = self.chance.choice((quote(name, safe=""), "".join(f"%{byte:02x}" for byte in name), name))
        written = written.encode() if isinstance(written, str) else written
        place = self.chance.choice(re.findall(r"\{\w+\}", route.path))
        before, after = (self.filled(part) for part in route.path.split(place))
        body = json.dumps(self.good_body(route)).encode() if route.body else b""
        return Case(
            f"wrong name in {route.method} {route.path}",
            request(route.method, before.encode() + written + after.encode(), body)
        )

    def query(self, route, query, what):
        return Case(f"{what}: {route.path}", request("GET", f"{self.path(route)}?{query}"))

    def wrong_parameter(self):
        route = self.chance.choice([route for route in self.with_query if in_query(route)])
        parameter = self.chance.choice(in_query(route))
        schema = self.schema.resolve(parameter["schema"])
        schema = self.schema.resolve(schema.get("items", schema))
        if schema["type"] == "string":
            wrong = [name for name in NAMES if not self.schema.fits(schema, json.dumps(name))]
        else:
            wrong = [
                "", "ten", "0x1", "1.5", "1e3", "-1", "+1", " 1", "1 ", str(2**63), str(2**64), "TRUE", "yes",
                "1\0", "１"
            ]
        value = quote(self.chance.choice(wrong), safe="")
        return self.query(route, f"{parameter['name']}={value}", f"wrong {parameter['name']}")

    def unknown_parameter(self):
        route = self.chance.choice(self.with_query)
        name = self.chance.choice([*NAMES, "Limit", "limit ", "sort", "count", "owner[]", "on-behalf-of"])
        return self.query(route, f"{quote(name, safe='')}=1", "unknown parameter")

    def wrong_query(self):
        route = self.chance.choice(self.with_query)
        name = self.chance.choice([parameter["name"] for parameter in in_query(route)] or ["x"])
        broken = (
            "%", "%4", "%zz", "%00", "&", "=", "?", f"{name}", f"{name}=%", f"{name}=%00", f"{name}=1&",
            f"{name}=\x01", "a=" + "b" * 9000
        )
        return self.query(route, self.chance.choice(broken), "broken query")

    def wrong_route(self):
        route = self.chance.choice(self.routes)
        known = {other.method for other in self.routes if other.path == route.path}
        if self.chance.random() < 0.5:
            method = self.chance.choice([method for method in METHODS if method not in known])
            return Case(f"wrong method {method} {route.path}", request(method, self.path(route)))
        path = self.path(route)
        paths = (
            path + "/", "/" + path, path.upper(), path.replace("v1", "v2"), path + "/../../v1", path + "%2f",
            path + ";a", path[1:], "*", "/", ""
        )
        paths += (
            path + "%", path + "%00", path + "#a", "http://drover" + path, path.replace("/", "\\"),
            path + "/" + "a/" * 2000 + "a", path + " "
        )
        return Case("wrong path", request(route.method, self.chance.choice([wrong for wrong in paths if wrong != path])))

    # ---- wrong HTTP

    def good_body_of_a_guest(self):
        """It makes a guest, if nothing around it is wrong."""
        return json.dumps({"count": 1, "owner": self.known["owner"], "additional": True}).encode()

    def good_request(self, header):
        return request("POST", "/v1/guests", self.good_body_of_a_guest(), [header])

    def wrong_key(self):
        wrong = ("", " ", "a b", "a" * 65, "a/b", "..;", "schlüssel", "a\tb", "a,b", '"a"', "a\r\nIdempotency-Key: b")
        header = f"Idempotency-Key: {self.chance.choice(wrong)}".encode()
        return Case("wrong idempotency key", self.good_request(header))

    def wrong_head(self):
        wrong = (
            b"X: " + b"x" * self.chance.choice((9000, 70_000, 1_000_000)),
            b"\r\n".join(b"X%d: y" % n for n in range(2000))
        )
        wrong += (
            b"no colon", b": no name", b"a b: c", b"X: \0", b"X: \x01", b"X\xff: y", b"X" * 9000, b"X: y\r", b"\0"
        )
        return Case("wrong headers", self.good_request(self.chance.choice(wrong)))

    def wrong_length(self):
        body = self.good_body_of_a_guest()
        wrong = (
            "-1", "abc", "1e1", "0x29", "1.0", "", "+41", "41 41", str(2**64), "9" * 100, str(len(body) + 1),
            str(len(body) - 1), "1"
        )
        lines = [f"Content-Length: {self.chance.choice(wrong)}"]
        if self.chance.random() < 0.3:
            lines = [f"Content-Length: {len(body)}", f"Content-Length: {len(body) + 1}"]
        head = "\r\n".join(["POST /v1/guests HTTP/1.1", "Host: drover", *lines]).encode()
        return Case("wrong length", head + b"\r\n\r\n" + body)

    def wrong_chunks(self):
        body = self.good_body_of_a_guest()
        whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        wrong = (
            b"zz\r\n" + whole, b"-1\r\n" + whole, b"f" * 17 + b"\r\n" + whole, whole[:-5], whole[:-7], whole[:9],
            b"\r\n" + whole, b"", b"5"
        )
        wrong += (
            b"%x\r\n%s0\r\n\r\n" % (len(body), body), b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) + 1, body),
            b"1 1\r\n" + whole, b"0x1\r\n{\r\n" + whole
        )
        coding = self.chance.choice(
            ("chunked", "chunked", "chunked", "chunked\r\nContent-Length: 51", "gzip", "chunked, chunked", "x")
        )
        head = f"POST /v1/guests HTTP/1.1\r\nHost: drover\r\nTransfer-Encoding: {coding}\r\n\r\n"
        return Case("wrong chunks", head.encode() + self.chance.choice(wrong))

    def no_http(self):
        noise = bytes(self.chance.randrange(256) for _ in range(self.chance.randrange(1, 400)))
        wrong = (
            b"GET /v1/status\r\n", b"GET /v1/status\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", noise, noise + b"\r\n\r\n"
        )
        wrong += (
            b"GET /v1/status HTTP/0.9\r\n\r\n", b"GET /v1/status HTTP/2.0\r\n\r\n", b"GET /v1/status HTTP/1.1",
            b"GET  /v1/status HTTP/1.1\r\n\r\n"
        )
        wrong += (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise, b"\0" * 100,
            b"GET\t/v1/status\tHTTP/1.1\r\n\r\n", b"\r\n" * 50 + noise, b"G"
        )
        wrong += (
            b"GET /v1/status HTTP/1.1\nHost: drover\n\n", b"GET /" + b"a" * 100_000, b"A" * 100_000,
            b"SSH-2.0-OpenSSH_9.2\r\n", b"{}"
        )
        return Case("no HTTP", self.chance.choice(wrong), http=False)


def in_query(route):
    return [parameter for parameter in route.parameters if parameter["in"] == "query"]


def as_object(fields):
    """A JSON object as text, with fields as they are: doubled ones too."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields) + "}"
