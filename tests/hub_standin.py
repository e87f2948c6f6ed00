"""The Hugging Face Hub as far as `quimbot` asks it, on a loopback port.

It answers like the real one where that matters: a branch resolves to a commit, the tree is paged, large files are
redirected to another origin (there the token must not go), ranges are honoured, gated files are refused with the Hub's
own headers. It keeps a log of what it served, and a file can be made to break off, reset or stall. It takes pushes:
large files wait by their hash for the commit that names them, and a commit whose parent is not the head is refused.
"""

import base64
import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

import yaml

LARGE = 1024
"""From this size on a file is large (LFS): its hash is SHA-256 and it comes from the other origin."""
PAGE = 3
Trouble = int | Literal["cut", "lost", "stall"]
"""What a request of a push meets: a status in place of an answer; a connection that closes, or waits, in the middle of
the body; or one that closes when all was done."""


@dataclass
class Repo:
    """A dataset repository: its commits and where its branches point."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    """The token that a gated repository asks for; None if it is not gated."""
    private: bool = False
    messages: list[str] = field(default_factory=list)
    """Of the commits that were pushed."""

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        sha = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        sha = self.branches.get(revision, revision)
        return sha if sha in self.commits else None


@dataclass(frozen=True)
class Served:
    """One line of the log."""

    method: str
    path: str
    """Repository path of the file, or the API path."""
    range: str | None
    status: int
    sent: int
    """Bytes of body that were sent."""
    token: bool
    at: Literal["hub", "cdn"]


@dataclass
class Fault:
    """What happens to the body of a file after some bytes, a few times."""

    kind: Literal["close", "reset", "stall"]
    after: int
    times: int = 1


class HubStandIn:
    """A Hub on `url`; use as a context manager. `repos` may change while it runs."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.log: list[Served] = []
        self.faults: dict[str, Fault] = {}
        self.honours_ranges = True
        self.tokens: set[str] | None = None
        """The tokens that belong to an account; None takes any."""
        self.writers: set[str] | None = None
        """The tokens that may write; None takes any."""
        self.objects: dict[str, bytes] = {}
        """Large files by SHA-256, committed or not."""
        self.pushed: list[tuple[str, str]] = []
        """Routes of a push that were served, and the SHA-256 of each large file that came."""
        self.troubles: dict[str, list[Trouble]] = {}
        """By route: what becomes of its next requests."""
        self.doubts: list[str] = []
        """What it warns of in a card's header."""
        self.ignored: set[str] = set()
        """Paths that a .gitignore keeps out of commits."""
        self.stalled, self.released = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> "HubStandIn":
        handler = type("BoundHandler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False  # joined at the end: no socket outlives a test
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def cdn(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    def repo(self, name: str, files: dict[str, bytes], token: str | None = None) -> Repo:
        self.repos[name] = Repo(token=token)
        self.repos[name].commit(files)
        return self.repos[name]

    def note(self, line: Served) -> None:
        with self._lock:
            self.log.append(line)

    def bodies(self, path: str | None = None) -> list[Served]:
        """The answers that carried bytes of files, or of one file."""
        with self._lock:
            return [
                s for s in self.log if s.method == "GET" and s.sent and s.path in ({path} if path else self._paths())
            ]

    def _paths(self) -> set[str]:
        return {path for repo in self.repos.values() for files in repo.commits.values() for path in files}

    def take_fault(self, path: str) -> Fault | None:
        with self._lock:
            fault = self.faults.get(path)
            if fault is None or fault.times == 0:
                return None
            fault.times -= 1
            return fault

    def take_trouble(self, route: str) -> Trouble | None:
        with self._lock:
            due = self.troubles.get(route)
            return due.pop(0) if due else None


class _Handler(BaseHTTPRequestHandler):
    """Routes are tried in order."""

    hub: ClassVar[HubStandIn]
    protocol_version = "HTTP/1.1"
    timeout = 5.0
    disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement
    ROUTES: ClassVar[list[tuple[str, str]]] = [
        (r"/api/datasets/(?P<name>[^/]+/[^/]+)/revision/(?P<revision>.+)", "info"),
        (r"/api/datasets/(?P<name>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)", "tree"),
        (r"/api/datasets/(?P<name>[^/]+/[^/]+)", "info"),
        (r"/datasets/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "file"),
        (r"/cdn/(?P<name>[^/]+/[^/]+)/(?P<revision>[^/]+)/(?P<path>.+)", "cdn"),
    ]
    POSTS: ClassVar[list[tuple[str, str]]] = [
        (r"/api/repos/create", "create"),
        (r"/api/validate-yaml", "yaml"),
        (r"/api/datasets/(?P<name>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)", "preupload"),
        (r"/datasets/(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
        (r"/verify", "verify"),
        (r"/api/datasets/(?P<name>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)", "commit"),
    ]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        sent = self.headers.get("Authorization", "")
        if sent and self.hub.tokens is not None and sent.removeprefix("Bearer ") not in self.hub.tokens:
            return self.refuse(url.path, 401, "", "Invalid credentials in Authorization header")
        self.query = parse_qs(url.query)
        for pattern, name in self.ROUTES:
            if found := re.fullmatch(pattern, url.path):
                route: Callable[..., None] = getattr(self, name)
                return route(**{key: unquote(value) for key, value in found.groupdict().items()})
        return self.refuse(url.path, 404, "EntryNotFound")

    do_HEAD = do_GET  # noqa: N815

    def info(self, name: str, revision: str = "main") -> None:
        if found := self.find(name, revision, self.path):
            self.answer_json(
                {
                    "id": name,
                    "sha": found[1],
                    "siblings": [],
                    "gated": bool(found[0].token),
                    "private": found[0].private,
                }
            )

    def tree(self, name: str, revision: str) -> None:
        if not (found := self.find(name, revision, self.path)):
            return
        files = sorted(found[0].commits[found[1]].items())
        start = int(self.query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(files):
            headers["Link"] = (
                f'<{self.hub.url}{urlsplit(self.path).path}?recursive=True&cursor={start + PAGE}>; rel="next"'
            )
        self.answer_json([_listed(path, data) for path, data in files[start : start + PAGE]], headers)

    def file(self, name: str, revision: str, path: str) -> None:
        if not (found := self.find(name, revision, path)):
            return None
        repo, sha = found
        if repo.token and not self.authorized(repo):
            return self.refuse(path, 403 if "Authorization" in self.headers else 401, "GatedRepo")
        if (data := repo.commits[sha].get(path)) is None:
            return self.refuse(path, 404, "EntryNotFound")
        headers = {"X-Repo-Commit": sha, "ETag": f'"{etag(data)}"'}
        if len(data) < LARGE:
            return self.send_file(path, data, headers)
        there = f"{self.hub.cdn}/cdn/{name}/{sha}/{quote(path)}"
        linked = {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(data)), "Location": there}
        return self.answer(path, 302, b"", headers | linked)

    def cdn(self, name: str, revision: str, path: str) -> None:
        data = self.hub.repos[name].commits[revision][path]
        self.send_file(path, data, {"ETag": f'"{etag(data)}"'}, at="cdn")

    def find(self, name: str, revision: str, asked: str) -> tuple[Repo, str] | None:
        repo = self.hub.repos.get(name)
        hidden = repo is None or (repo.private and "Authorization" not in self.headers)
        if hidden:  # the Hub does not tell strangers whether a repository exists
            self.refuse(asked, 404 if "Authorization" in self.headers else 401, "RepoNotFound")
            return None
        if (sha := repo.resolve(revision)) is None:
            self.refuse(asked, 404, "RevisionNotFound")
            return None
        return repo, sha

    def authorized(self, repo: Repo) -> bool:
        return self.headers.get("Authorization") == f"Bearer {repo.token}"

    def send_file(self, path: str, data: bytes, headers: dict[str, str], at: Literal["hub", "cdn"] = "hub") -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if self.hub.honours_ranges else None
        if not wanted:
            return self.answer(path, 200, data, headers | {"Accept-Ranges": "bytes"}, at)
        first, last = int(wanted[1]), int(wanted[2] or len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return self.answer(path, 206, data[first : last + 1], headers, at)

    def answer_json(self, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.answer(urlsplit(self.path).path, 200, body, {"Content-Type": "application/json"} | (headers or {}))

    def refuse(self, path: str, status: int, code: str, message: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self.answer(path, status, b"", {key: value for key, value in headers.items() if value})

    def answer(
        self, path: str, status: int, body: bytes, headers: dict[str, str], at: Literal["hub", "cdn"] = "hub"
    ) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(key, value)
        self.end_headers()
        fault = self.hub.take_fault(path) if self.command == "GET" and body else None
        part = b"" if self.command == "HEAD" else body[: fault.after] if fault else body
        token = "Authorization" in self.headers
        # Noted first, so that a client that has the body finds it in the log.
        self.hub.note(Served(self.command, path, self.headers.get("Range"), status, len(part), token, at))
        try:
            self.wfile.write(part)
        except ConnectionError:  # the client is gone
            self.close_connection = True
        if fault:
            self.break_off(fault)

    def break_off(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "stall":
            self.hub.stalled.set()
            self.hub.released.wait(30)
        if fault.kind == "reset":  # a linger of 0 s makes close() send RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    # Pushing

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        for pattern, name in self.POSTS:
            if found := re.fullmatch(pattern, path):
                return self.take(name, path, **{key: unquote(value) for key, value in found.groupdict().items()})
        self.body()
        return self.refuse(path, 404, "EntryNotFound")

    def do_PUT(self) -> None:
        path = urlsplit(self.path).path
        self.take("put", path, oid=path.removeprefix("/upload/"))

    def take(self, route: str, path: str, **named: str) -> None:
        """Answer a route, unless a trouble is due there."""
        trouble = self.hub.take_trouble(route)
        if trouble in ("cut", "stall"):  # in the middle of the body
            self.rfile.read(int(self.headers.get("Content-Length", "2")) // 2)
            self.hub.note(Served(self.command, path, None, 0, 0, "Authorization" in self.headers, "hub"))
            return self.break_off(Fault("close" if trouble == "cut" else "stall", 0))
        body = self.body()
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if isinstance(trouble, int):
            return self.refuse(path, trouble, "")
        if route != "put":  # that address is signed; the token must not go there
            if self.hub.tokens is not None and sent not in self.hub.tokens:
                return self.refuse(path, 401, "", "Invalid credentials in Authorization header")
            writes = route in ("create", "preupload", "batch", "commit")
            if not sent or (writes and self.hub.writers is not None and sent not in self.hub.writers):
                return self.refuse(path, 403 if sent else 401, "", "Forbidden")
        self.lost = trouble == "lost"
        self.hub.pushed.append((route, named.get("oid", "")))
        return getattr(self, f"post_{route}")(body, **named)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def post_create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        assert asked["type"] == "dataset"
        if name in self.hub.repos:
            return self.refuse("/api/repos/create", 409, "")
        repo = self.hub.repo(name, {".gitattributes": b"*.parquet filter=lfs\n"})
        repo.private = asked.get("visibility") == "private"
        return self.answer_json({"url": f"{self.hub.url}/datasets/{name}"})

    def post_yaml(self, body: bytes) -> None:
        content = json.loads(body)["content"]
        _, _, rest = content.partition("---\n")
        try:
            fields = yaml.safe_load(rest.partition("\n---\n")[0])
        except yaml.YAMLError:
            fields = None
        errors = [] if isinstance(fields, dict) else [{"message": "the header is no YAML mapping"}]
        answer = json.dumps({"errors": errors, "warnings": [{"message": doubt} for doubt in self.hub.doubts]}).encode()
        self.answer("/api/validate-yaml", 400 if errors else 200, answer, {"Content-Type": "application/json"})

    def post_preupload(self, body: bytes, name: str, revision: str) -> None:
        if found := self.find(name, revision, self.path):
            there = found[0].commits[found[1]]
            self.answer_json({"files": [self.mode(file, there) for file in json.loads(body)["files"]]})

    def mode(self, file: dict[str, Any], there: dict[str, bytes]) -> dict[str, Any]:
        path = file["path"]
        return {
            "path": path,
            "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
            "shouldIgnore": path in self.hub.ignored,
            "oid": etag(there[path]) if path in there else None,
        }

    def post_batch(self, body: bytes, name: str) -> None:
        objects = []
        for wanted in json.loads(body)["objects"]:
            oid = wanted["oid"]
            links = {"upload": {"href": f"{self.hub.cdn}/upload/{oid}"}, "verify": {"href": f"{self.hub.url}/verify"}}
            objects.append(wanted if oid in self.hub.objects else wanted | {"actions": links})
        self.answer_json({"transfer": "basic", "objects": objects})

    def post_put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self.refuse(f"/upload/{oid}", 400, "")
        self.hub.objects[oid] = body
        return self.answer(f"/upload/{oid}", 200, b"", {}, "cdn")

    def post_verify(self, body: bytes) -> None:
        asked = json.loads(body)
        held = self.hub.objects.get(asked["oid"])
        if held is None or len(held) != asked["size"]:
            return self.refuse("/verify", 404, "")
        return self.answer_json({})

    def post_commit(self, body: bytes, name: str, revision: str) -> None:
        if not (found := self.find(name, revision, self.path)):
            return None
        repo, head = found
        lines = [json.loads(line) for line in body.decode().splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit", head) != head:
            return self.refuse(self.path, 412, "")
        files = dict(repo.commits[head])
        for line in lines[1:]:
            self.apply(line["key"], line["value"], files)
        sha = repo.commit(files)
        repo.messages.append(header["summary"])
        if self.lost:
            return self.break_off(Fault("close", 0))
        return self.answer_json({"commitUrl": f"{self.hub.url}/datasets/{name}/commit/{sha}", "commitOid": sha})

    def apply(self, key: str, value: dict[str, Any], files: dict[str, bytes]) -> None:
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            files[value["path"]] = self.hub.objects[value["oid"]]
        else:
            assert key == "deletedFile"
            del files[value["path"]]

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@cache
def etag(data: bytes) -> str:
    """The Hub's hash of a file: SHA-256 of a large one, git's blob SHA-1 of a small one."""
    if len(data) >= LARGE:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data)).hexdigest()


def _listed(path: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
    if len(data) < LARGE:
        return entry | {"oid": etag(data)}
    return entry | {"lfs": {"oid": etag(data), "size": len(data), "pointerSize": 134}}
