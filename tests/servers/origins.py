"""Origins that are real servers: nginx, and an application under hypercorn, uvicorn and granian."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.servers.application import MEGABYTES
from tests.servers.processes import available, free_port, running
from tests.worlds.certificates import authority


class Origin(NamedTuple):
    """Where a server is."""

    http: int
    https: int


Start = Callable[[Path], "contextlib.AbstractContextManager[Origin]"]

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 64m;
    map $content_length $size {{ "" 0; default $content_length; }}
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location = /big {{ root {root}; }}
        location = /empty {{ add_header X-Method $request_method; return 204; }}
        location = /seen {{ return 200 "$http_proxy_authorization|$http_x_of_proxy|$http_x_of_origin"; }}
        location / {{
            add_header X-Method $request_method;
            return 200 "$request_method $uri $size";
        }}
    }}
}}
"""


def certificate(directory: Path, *names: str) -> Path:
    """Write a certificate with its key into one file, and return its path."""
    path = directory / "certificate.pem"
    authority().issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
    path.chmod(0o644)
    return path


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[Origin]:
    """Run nginx."""
    (directory / "big").write_bytes(b"x" * (MEGABYTES << 20))
    (directory / "big").chmod(0o644)
    pem = certificate(directory, "127.0.0.1", "localhost")
    https = free_port()

    def command(http: int) -> list[str]:
        configuration = directory / f"nginx-{http}.conf"
        configuration.write_text(NGINX.format(http=http, https=https, certificate=pem, root=directory))
        return [available()["nginx"], "-p", str(directory), "-c", str(configuration), "-e", "stderr"]

    with running(command, directory) as http:
        yield Origin(http, https)


def _asgi(name: str, *arguments: str) -> Start:
    """Return how to run the application under a server."""

    @contextlib.contextmanager
    def start(directory: Path) -> Iterator[Origin]:
        pem = str(certificate(directory, "127.0.0.1", "localhost"))

        def command(port: int, *tls: str) -> list[str]:
            values = {"port": port, "pem": pem}
            return [available()[name], *(argument.format(**values) for argument in (*arguments, *tls))]

        with running(lambda port: command(port), directory, PYTHONPATH=str(Path(__file__).parent)) as http:
            with running(
                lambda port: command(port, *TLS[name]), directory, PYTHONPATH=str(Path(__file__).parent)
            ) as https:
                yield Origin(http, https)

    return start


TLS = {
    "hypercorn": ["--certfile", "{pem}", "--keyfile", "{pem}"],
    "uvicorn": ["--ssl-certfile", "{pem}", "--ssl-keyfile", "{pem}"],
    "granian": ["--ssl-certificate", "{pem}", "--ssl-keyfile", "{pem}"],
}

ORIGINS: dict[str, Start] = {
    "nginx": nginx,
    "hypercorn": _asgi("hypercorn", "--bind", "127.0.0.1:{port}", "application:app"),
    "uvicorn": _asgi("uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning", "application:app"),
    "granian": _asgi("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "application:app"),
}
