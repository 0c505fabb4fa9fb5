"""The server that all clients are measured against: nginx on loopback, or the demo's own API where nginx is missing.

The paths are the same in both: `/small`, `/10k`, `/64m` are looked up in `paths`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    default_type application/json;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{tls_port} ssl backlog=4096;
        listen 127.0.0.1:{http2_port} ssl http2 backlog=4096;
        ssl_certificate {root}/server.pem;
        ssl_certificate_key {root}/server.key;
        ssl_protocols TLSv1.3;
        location = /small {{ return 200 '{small}'; }}
        location / {{ root {root}/files; }}
    }}
}}
"""

SMALL = '{"id": 17, "name": "a record of a small size", "active": true, "score": 0.25}'
"""The small JSON body."""


class Server:
    """Run the server, on one core where the system can pin it."""

    def __init__(self, core: int | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="borzoi-bench-")
        self._running = ExitStack()
        self._core = core
        self._root = Path(self._folder.name)
        self.ca = str(self._root / "ca.pem")
        self.name = ""
        self.url = self.tls_url = self.http2_url = ""
        self.paths = {"/small": "/small", "/10k": "/10k", "/64m": "/64m"}

    def __enter__(self) -> Self:
        self._make_certificates()
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if nginx is not None:
            self._start_nginx(nginx)
        else:
            self._start_demo()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
        self._folder.cleanup()

    def _start_nginx(self, nginx: str) -> None:
        self.name = "nginx"
        port, tls_port, http2_port = _free_ports(3)
        self._make_files()
        configuration = self._root / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(root=self._root, port=port, tls_port=tls_port, http2_port=http2_port, small=SMALL),
            encoding="ascii",
        )
        command = [nginx, "-c", str(configuration), "-e", str(self._root / "error.log")]
        process = subprocess.Popen(pinned(command, self._core))
        self._running.callback(process.wait, 10)
        self._running.callback(process.terminate)
        self.url, self.tls_url = f"http://127.0.0.1:{port}", f"https://localhost:{tls_port}"
        self.http2_url = f"https://localhost:{http2_port}"
        _wait_for(port)

    def _start_demo(self) -> None:
        from borzoi.cli.demo_server import DemoServer

        self.name = "the demo's API (nginx is missing)"
        plain = self._running.enter_context(DemoServer())
        files = (str(self._root / "server.pem"), str(self._root / "server.key"))
        secure = self._running.enter_context(DemoServer(tls=files))
        if self._core is not None and hasattr(os, "sched_setaffinity"):
            for server in (plain, secure):
                os.sched_setaffinity(server.pid, {self._core})
        self.url, self.tls_url = plain.url, secure.url.replace("127.0.0.1", "localhost")
        self.paths = {"/small": "/records/17", "/10k": "/download/10240", "/64m": f"/download/{64 * 1024**2}"}

    def _make_certificates(self) -> None:
        import trustme

        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_pem.write_to_path(str(self._root / "server.key"))
        for index, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(str(self._root / "server.pem"), append=index > 0)
        authority.cert_pem.write_to_path(self.ca)

    def _make_files(self) -> None:
        files = self._root / "files"
        files.mkdir()
        # nginx serves them under another user, where it was started by root.
        files.chmod(0o755)
        self._root.chmod(0o755)
        for name, size in (("10k", 10 * 1024), ("64m", 64 * 1024**2)):
            (files / name).write_bytes(bytes(range(256)) * (size // 256))


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
    raise SystemExit("nginx does not answer")
