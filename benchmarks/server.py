"""What all clients are measured against: nginx on loopback, or granian where nginx is missing.

`bases` has the ways to reach it. What a server cannot do by itself is done by others, in both cases: the demo's API
gives back what it was sent, and waits before it answers; a proxy of ours makes a round trip take time.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    ssl_session_cache shared:sessions:16m;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    default_type application/json;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        listen 127.0.0.1:{tls} ssl backlog=4096;
        listen 127.0.0.1:{http2} ssl http2 backlog=4096;
        include {root}/places.conf;
    }}
    server {{
        listen 127.0.0.1:{fresh} backlog=4096;
        listen 127.0.0.1:{fresh_tls} ssl backlog=4096;
        keepalive_timeout 0;
        include {root}/places.conf;
    }}
}}
"""

PLACES = """
ssl_certificate {root}/server.pem;
ssl_certificate_key {root}/server.key;
ssl_protocols TLSv1.3;
location = /small {{ return 200 '{small}'; }}
location / {{ root {root}/files; }}
"""
"""What both servers have. The second one closes each connection after its first answer."""

SIZES = {"10k": 10 * 1024, "1m": 1024**2, "64m": 64 * 1024**2, "1g": 1024**3}
"""The files, and how many bytes each has."""

ROUND_TRIP_MS = 50

PATIENT_MS = 1500
"""Round trip of the server that is asked for many connections at once: it answers when all of them are there."""

SMALL = '{"id": 17, "name": "a record of a small size", "active": true, "score": 0.25}'
"""The small JSON body."""


PLACES_OF: tuple[str, ...] = ("plain", "tls", "http2", "fresh", "fresh_tls")
"""The ways to reach the server. `fresh` ones have a new connection for each request."""


class Server:
    """Run the servers, on one core where the system can pin them."""

    def __init__(self, core: int | None, *, granian: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="borzoi-bench-")
        self._running = ExitStack()
        self._core = core
        self._root = Path(self._folder.name)
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        self._nginx = None if granian else nginx
        self.ca = str(self._root / "ca.pem")
        self.name = "granian" if self._nginx is None else "nginx"
        self.bases: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._make_certificates()
            self._make_files()
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
        self._folder.cleanup()

    def url(self, place: str, path: str) -> str:
        """Return where something is."""
        return f"{self.bases[place]}/{path}"

    def _start_all(self) -> None:
        ports = dict(zip(PLACES_OF, _free_ports(len(PLACES_OF)), strict=True))
        if self._nginx is not None:
            self._start_nginx(self._nginx, ports)
        else:
            for place, port in ports.items():
                self._start_granian(place, port)
        for place, port in ports.items():
            _wait_for(port)
            self.bases[place] = f"http{'' if place in ('plain', 'fresh') else 's'}://127.0.0.1:{port}"
        for place in ("tls", "fresh_tls"):
            self.bases[f"far_{place}"] = f"https://127.0.0.1:{self._start_proxy(ports[place])}"
        self._start_demo("echo")
        self._start_demo("patient", latency_ms=PATIENT_MS)

    def _start_nginx(self, nginx: str, ports: dict[str, int]) -> None:
        configuration = self._root / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(root=self._root, **ports), encoding="ascii")
        (self._root / "places.conf").write_text(PLACES.format(root=self._root, small=SMALL), encoding="ascii")
        self._start([nginx, "-c", str(configuration), "-e", str(self._root / "error.log")])

    def _start_granian(self, place: str, port: int) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "rsgi", "--port", str(port), "--no-log", "--no-ws"]
        command += ["--http", "2" if place == "http2" else "1", "--backlog", "4096"]
        if place not in ("plain", "fresh"):
            command += ["--ssl-certificate", str(self._root / "server.pem")]
            command += ["--ssl-keyfile", str(self._root / "server.key")]
        if place.startswith("fresh"):
            command.append("--no-http1-keep-alive")
        self._start([*command, "benchmarks.granian_app:app"], BENCH_FILES=str(self._root / "files"))

    def _start(self, command: list[str], **environment: str) -> None:
        process = subprocess.Popen(
            pinned(command, self._core), cwd=Path(__file__).parents[1], env={**os.environ, **environment}
        )
        self._running.callback(process.wait, 10)
        self._running.callback(process.terminate)

    def _start_proxy(self, port: int) -> int:
        command = [sys.executable, "-m", "benchmarks.delay_proxy", str(port), str(ROUND_TRIP_MS)]
        process = subprocess.Popen(
            pinned(command, self._core), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._running.callback(process.wait, 10)
        self._running.callback(process.stdin.close)
        self._running.callback(process.stdout.close)
        return int(process.stdout.readline())

    def _start_demo(self, place: str, **options: Any) -> None:
        from borzoi.cli.demo_server import DemoServer

        server = self._running.enter_context(DemoServer(**options))
        if self._core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(server.pid, {self._core})
        self.bases[place] = server.url

    def _make_certificates(self) -> None:
        import trustme
        from cryptography.hazmat.primitives import serialization

        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
        # granian reads keys in this form only.
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self._root / "server.key").write_bytes(key.private_bytes(*form))
        for index, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(str(self._root / "server.pem"), append=index > 0)
        authority.cert_pem.write_to_path(self.ca)

    def _make_files(self) -> None:
        files = self._root / "files"
        files.mkdir()
        # nginx serves them under another user, where it was started by root.
        files.chmod(0o755)
        self._root.chmod(0o755)
        for name, size in SIZES.items():
            with (files / name).open("wb") as file:
                if size < 1024**3:
                    file.write(bytes(range(256)) * (size // 256))
                # The rest is a hole, that takes no room.
                file.truncate(size)


def pinned(command: list[str], core: int | None) -> list[str]:
    """Return a command that runs on one core."""
    taskset = shutil.which("taskset")
    return command if core is None or taskset is None else [taskset, "-c", str(core), *command]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server does not answer")
