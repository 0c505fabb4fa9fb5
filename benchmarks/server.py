"""The server that all clients are measured against: nginx on loopback, or the demo's own API where nginx is missing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
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
        self._process: subprocess.Popen[bytes] | None = None
        self._core = core
        self.root = Path(self._folder.name)
        self.ca: str | None = None
        self.name = "nginx"
        self.url = self.tls_url = ""

    def __enter__(self) -> Self:
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if nginx is None:
            raise SystemExit("The benchmark needs nginx: apt-get install nginx-light")
        port, tls_port = _free_ports()
        self._make_files()
        configuration = self.root / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(root=self.root, port=port, tls_port=tls_port, small=SMALL), encoding="ascii"
        )
        command = [nginx, "-c", str(configuration), "-e", str(self.root / "error.log")]
        self._process = subprocess.Popen(pinned(command, self._core))
        self.url, self.tls_url = f"http://127.0.0.1:{port}", f"https://localhost:{tls_port}"
        _wait_for(port)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        self._folder.cleanup()

    def _make_files(self) -> None:
        import trustme

        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_pem.write_to_path(str(self.root / "server.key"))
        for index, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(str(self.root / "server.pem"), append=index > 0)
        self.ca = str(self.root / "ca.pem")
        authority.cert_pem.write_to_path(self.ca)

        files = self.root / "files"
        files.mkdir()
        files.chmod(0o755)
        self.root.chmod(0o755)
        for name, size in (("10k", 10 * 1024), ("1m", 1024**2), ("64m", 64 * 1024**2)):
            (files / name).write_bytes(bytes(range(256)) * (size // 256))


def pinned(command: list[str], core: int | None) -> list[str]:
    """Return a command that runs on one core."""
    taskset = shutil.which("taskset")
    return command if core is None or taskset is None else [taskset, "-c", str(core), *command]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("nginx does not answer")
