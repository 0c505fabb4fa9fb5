"""Origins that are real servers: nginx, nghttpd, h2o, caddy, and an application under hypercorn, uvicorn and granian.

Each has the files of `files.py`, answers `POST /echo` with the body (nginx with its length) and `/empty` with 204, except nghttpd.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from tests.servers.processes import available, free_port, running
from tests.worlds.certificates import authority


class Origin(NamedTuple):
    """Where a server is."""

    ports: dict[str, int]
    """The port for each protocol that it speaks: see `cells.PROTOCOLS`."""

    def url(self, protocol: str, host: str = "127.0.0.1") -> str:
        """Return the URL of the server, without a path."""
        return f"{protocol.partition(' ')[0]}://{host}:{self.ports[protocol]}"


Start = Callable[[Path, Path], "contextlib.AbstractContextManager[Origin]"]
"""What starts a server, given a directory for it and that of the files."""

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 64m;
    keepalive_requests 100000;
    map $content_length $size {{ "" 0; default $content_length; }}
    server {{
        listen 127.0.0.1:{http1};
        listen 127.0.0.1:{http2} http2;
        listen 127.0.0.1:{https1} ssl;
        listen 127.0.0.1:{https2} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        root {files};
        location = /echo {{ return 200 "$size"; }}
        location = /empty {{ return 204; }}
        location = /trailers {{ try_files /0 =404; add_trailer X-Sum abc; }}
        location = /seen {{ return 200 "$http_proxy_authorization|$http_x_of_proxy|$http_x_of_origin"; }}
    }}
}}
"""

H2O = """
num-threads: 1
access-log: /dev/null
listen:
  host: 127.0.0.1
  port: {http}
listen:
  host: 127.0.0.1
  port: {https}
  ssl:
    certificate-file: {certificate}
    key-file: {certificate}
hosts:
  default:
    paths:
      "/echo":
        mruby.handler: |
          Proc.new {{|env| [200, {{}}, [env["rack.input"] ? env["rack.input"].read : ""]] }}
      "/empty":
        mruby.handler: |
          Proc.new {{|env| [204, {{}}, []] }}
      "/":
        file.dir: {files}
"""

CADDY = """
{{
    admin off
    auto_https off
    skip_install_trust
    default_sni 127.0.0.1
    log {{
        level ERROR
    }}
    servers {{
        protocols h1 h2 h2c
    }}
}}
(site) {{
    bind 127.0.0.1
    root * {files}
    respond /echo "{{http.request.body}}" 200
    respond /empty 204
    file_server
}}
http://127.0.0.1:{http} {{
    import site
}}
https://127.0.0.1:{https} {{
    tls {certificate} {certificate}
    import site
}}
"""


def certificate(directory: Path, *names: str) -> Path:
    """Write a certificate with its key into one file, and return its path."""
    path = directory / "certificate.pem"
    authority().issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
    path.chmod(0o644)
    return path


def on_both_ports(http: int, https: int) -> Origin:
    """Return a server that speaks all versions over each of two ports."""
    return Origin({"http 1.1": http, "http 2": http, "https 1.1": https, "https 2": https})


@contextlib.contextmanager
def nginx(directory: Path, files: Path) -> Generator[Origin]:
    """Run nginx, which speaks HTTP/2 without TLS on a port of its own."""
    pem = certificate(directory, "127.0.0.1", "localhost")
    ports = {name: free_port() for name in ("http2", "https1", "https2")}

    def command(port: int) -> list[str]:
        configuration = directory / "nginx.conf"
        configuration.write_text(NGINX.format(http1=port, certificate=pem, files=files, **ports))
        return [available()["nginx"], "-p", str(directory), "-c", str(configuration), "-e", "stderr"]

    with running(command, directory) as port:
        spoken = {"http 1.1": port, "http 2": ports["http2"], "https 1.1": ports["https1"], "https 2": ports["https2"]}
        yield Origin(spoken)


@contextlib.contextmanager
def nghttpd(directory: Path, files: Path) -> Generator[Origin]:
    """Run nghttpd, which speaks HTTP/2 and nothing else."""
    pem = str(certificate(directory, "127.0.0.1", "localhost"))
    shared = ["-a", "127.0.0.1", "-d", str(files), "--echo-upload", "--trailer", "x-sum: abc"]

    def plain(port: int) -> list[str]:
        return [available()["nghttpd"], *shared, "--no-tls", str(port)]

    def secured(port: int) -> list[str]:
        return [available()["nghttpd"], *shared, str(port), pem, pem]

    with running(plain, directory) as http, running(secured, directory) as https:
        yield Origin({"http 2": http, "https 2": https})


@contextlib.contextmanager
def h2o(directory: Path, files: Path) -> Generator[Origin]:
    """Run h2o."""
    pem = certificate(directory, "127.0.0.1", "localhost")
    https = free_port()

    def command(port: int) -> list[str]:
        configuration = directory / "h2o.conf"
        configuration.write_text(H2O.format(http=port, https=https, certificate=pem, files=files))
        return [available()["h2o"], "--mode", "worker", "--conf", str(configuration)]

    with running(command, directory) as http:
        yield on_both_ports(http, https)


@contextlib.contextmanager
def caddy(directory: Path, files: Path) -> Generator[Origin]:
    """Run caddy."""
    pem = certificate(directory, "127.0.0.1", "localhost")
    https = free_port()

    def command(port: int) -> list[str]:
        configuration = directory / "Caddyfile"
        configuration.write_text(CADDY.format(http=port, https=https, certificate=pem, files=files))
        return [available()["caddy"], "run", "--config", str(configuration), "--adapter", "caddyfile"]

    with running(command, directory, HOME=str(directory)) as http:
        yield on_both_ports(http, https)


@contextlib.contextmanager
def hypercorn(directory: Path, files: Path) -> Generator[Origin]:
    """Run the application under hypercorn."""
    pem = str(certificate(directory, "127.0.0.1", "localhost"))
    https = free_port()

    def command(port: int) -> list[str]:
        binds = ["--insecure-bind", f"127.0.0.1:{port}", "--bind", f"127.0.0.1:{https}"]
        return [available()["hypercorn"], *binds, "--certfile", pem, "--keyfile", pem, "application:app"]

    with running(command, directory, PYTHONPATH=str(Path(__file__).parent), FILES=str(files)) as http:
        yield on_both_ports(http, https)


@contextlib.contextmanager
def uvicorn(directory: Path, files: Path) -> Generator[Origin]:
    """Run the application under uvicorn, which speaks HTTP/1.1."""
    pem = str(certificate(directory, "127.0.0.1", "localhost"))

    def command(port: int, *more: str) -> list[str]:
        port_and_log = ["--port", str(port), "--log-level", "warning"]
        return [available()["uvicorn"], "--host", "127.0.0.1", *port_and_log, *more, "application:app"]

    with _plain_and_secured(command, ["--ssl-certfile", pem, "--ssl-keyfile", pem], directory, files) as (http, https):
        yield Origin({"http 1.1": http, "https 1.1": https})


@contextlib.contextmanager
def granian(directory: Path, files: Path) -> Generator[Origin]:
    """Run the application under granian."""
    pem = str(certificate(directory, "127.0.0.1", "localhost"))

    def command(port: int, *more: str) -> list[str]:
        where = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
        return [available()["granian"], *where, *more, "application:app"]

    with _plain_and_secured(command, ["--ssl-certificate", pem, "--ssl-keyfile", pem], directory, files) as (
        http,
        https,
    ):
        yield on_both_ports(http, https)


@contextlib.contextmanager
def _plain_and_secured(
    command: Callable[..., list[str]], tls: list[str], directory: Path, files: Path
) -> Generator[tuple[int, int]]:
    environment = {"PYTHONPATH": str(Path(__file__).parent), "FILES": str(files)}
    with contextlib.ExitStack() as stack:
        http = stack.enter_context(running(lambda port: command(port), directory, **environment))
        https = stack.enter_context(running(lambda port: command(port, *tls), directory, **environment))
        yield http, https


ORIGINS: dict[str, tuple[Start, tuple[str, ...]]] = {
    "nginx": (nginx, ("http 1.1", "http 2", "https 1.1", "https 2")),
    "nghttpd": (nghttpd, ("http 2", "https 2")),
    "h2o": (h2o, ("http 1.1", "http 2", "https 1.1", "https 2")),
    "caddy": (caddy, ("http 1.1", "http 2", "https 1.1", "https 2")),
    "hypercorn": (hypercorn, ("http 1.1", "http 2", "https 1.1", "https 2")),
    "uvicorn": (uvicorn, ("http 1.1", "https 1.1")),
    "granian": (granian, ("http 1.1", "http 2", "https 1.1", "https 2")),
}
"""What starts each server, and the protocols that it speaks."""

TRAILERS = {
    "nginx": ("http 1.1", "http 2", "https 1.1", "https 2"),
    "nghttpd": ("http 2", "https 2"),
    "hypercorn": ("http 2", "https 2"),
}
"""The protocols in which a server can send trailers."""
