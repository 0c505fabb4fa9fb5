"""Proxies that are real servers: tinyproxy, squid, Dante, microsocks and mitmproxy. The user is `user`, the password `secret`.

Each runs once with a password and once without, except Dante, whose passwords are those of the system's users.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import ssl
import subprocess
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.servers.cells import PROTOCOLS
from tests.servers.origins import Origin, certificate
from tests.servers.processes import available, free_port, running
from tests.worlds.certificates import client_context

USER = ("user", "secret")


class Via(NamedTuple):
    """A proxy that runs: the URLs to reach it by, and what to trust behind it."""

    urls: dict[tuple[str, str], str]
    """The URL for each kind of proxy that it is, and each access to it (see `cells.Way`), without credentials."""
    verify: ssl.SSLContext


Start = Callable[[Path, Origin], "contextlib.AbstractContextManager[Via]"]

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
{access}
ConnectPort {https1}
ConnectPort {https2}
ConnectPort 1
Timeout 20
LogLevel Warning
"""

SQUID = """
http_port 127.0.0.1:{port} name=http
https_port 127.0.0.1:{https} tls-cert={pem} tls-key={pem} name=https
http_port 127.0.0.1:{http_open} name=http_open
https_port 127.0.0.1:{https_open} tls-cert={pem} tls-key={pem} name=https_open
auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}
auth_param basic children 1
auth_param basic realm squid
auth_param digest program /usr/lib/squid/digest_file_auth -c {digests}
auth_param digest children 1
auth_param digest realm squid
acl known proxy_auth REQUIRED
acl open myportname http_open https_open
http_access allow open
http_access allow known
http_access deny all
cache deny all
cache_mem 8 MB
pid_filename none
access_log none
cache_log stdio:/dev/stderr
shutdown_lifetime 0 seconds
netdb_filename none
dns_nameservers 127.0.0.1
visible_hostname localhost
max_filedescriptors 1024
"""

DANTE = """
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.privileged: {user}
user.unprivileged: {user}
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }}
"""


@contextlib.contextmanager
def tinyproxy(directory: Path, origin: Origin) -> Generator[Via]:
    """Run tinyproxy, which is an http proxy."""
    https1, https2 = origin.ports["https 1.1"], origin.ports["https 2"]

    def command(access: str, port: int) -> list[str]:
        configuration = directory / f"tinyproxy-{port}.conf"
        configuration.write_text(TINYPROXY.format(port=port, access=access, https1=https1, https2=https2))
        return [available()["tinyproxy"], "-d", "-c", str(configuration)]

    with running(partial(command, "BasicAuth user secret"), directory) as port:
        with running(partial(command, ""), directory) as open_port:
            urls = {("http", "password"): f"http://127.0.0.1:{port}", ("http", "open"): f"http://127.0.0.1:{open_port}"}
            yield Via(urls, client_context())


@contextlib.contextmanager
def squid(directory: Path, origin: Origin) -> Generator[Via]:
    """Run squid, which is an http proxy and an https one, and asks for Basic and Digest authentication."""
    ports = {name: free_port() for name in ("https", "http_open", "https_open")}
    hashed = subprocess.run(["openssl", "passwd", "-apr1", USER[1]], check=True, capture_output=True, text=True).stdout
    passwords, digests = directory / "passwords", directory / "digests"
    passwords.write_text(f"{USER[0]}:{hashed}")
    secret = hashlib.md5(":".join((USER[0], "squid", USER[1])).encode(), usedforsecurity=False)
    digests.write_text(f"{USER[0]}:squid:{secret.hexdigest()}\n")
    pem = certificate(directory, "127.0.0.1", "localhost")

    def command(port: int) -> list[str]:
        configuration = directory / "squid.conf"
        files = {"pem": pem, "passwords": passwords, "digests": digests}
        configuration.write_text(SQUID.format(port=port, **ports, **files))
        return [available()["squid"], "-N", "-f", str(configuration)]

    with running(command, directory) as port:
        urls = {
            ("http", "password"): f"http://127.0.0.1:{port}",
            ("https", "password"): f"https://127.0.0.1:{ports['https']}",
            ("http", "open"): f"http://127.0.0.1:{ports['http_open']}",
            ("https", "open"): f"https://127.0.0.1:{ports['https_open']}",
        }
        urls |= {(kind, "digest"): urls[kind, "password"] for kind in ("http", "https")}
        yield Via(urls, client_context())


@contextlib.contextmanager
def dante(directory: Path, origin: Origin) -> Generator[Via]:
    """Run Dante, which is a SOCKS proxy of both versions, and knows no 4a."""

    def command(port: int) -> list[str]:
        configuration = directory / "danted.conf"
        configuration.write_text(DANTE.format(port=port, user=pwd.getpwuid(os.getuid()).pw_name))
        return [available()["danted"], "-f", str(configuration), "-p", str(directory / "danted.pid")]

    with running(command, directory) as port:
        urls = {(kind, "open"): f"{kind}://127.0.0.1:{port}" for kind in ("socks4", "socks5", "socks5h")}
        yield Via(urls, client_context())


@contextlib.contextmanager
def microsocks(directory: Path, origin: Origin) -> Generator[Via]:
    """Run microsocks, which is a SOCKS 5 proxy."""

    def command(access: tuple[str, ...], port: int) -> list[str]:
        return [available()["microsocks"], "-i", "127.0.0.1", "-p", str(port), *access]

    with running(partial(command, ("-u", USER[0], "-P", USER[1])), directory) as port:
        with running(partial(command, ()), directory) as open_port:
            ports = {"password": port, "open": open_port}
            yield Via(_urls(("socks5", "socks5h"), ports), client_context())


@contextlib.contextmanager
def mitmproxy(directory: Path, origin: Origin) -> Generator[Via]:
    """Run mitmproxy, which is a proxy of several kinds, and stands behind the tunnel itself, with certificates of its own."""
    pem = certificate(directory, "127.0.0.1", "localhost")
    socks = {"password": free_port(), "open": free_port()}

    def command(access: str, port: int) -> list[str]:
        return [
            available()["mitmdump"],
            *("--set", f"confdir={directory}", "--certs", f"127.0.0.1={pem}", "--ssl-insecure", "--quiet"),
            *("--mode", f"regular@127.0.0.1:{port}", "--mode", f"socks5@127.0.0.1:{socks[access]}"),
            *(("--proxyauth", ":".join(USER)) if access == "password" else ()),
        ]

    with (
        running(partial(command, "password"), directory) as port,
        running(partial(command, "open"), directory) as other,
    ):
        context = client_context()
        context.load_verify_locations(directory / "mitmproxy-ca-cert.pem")
        ports = {"password": port, "open": other}
        yield Via({**_urls(("http", "https"), ports), **_urls(("socks5",), socks)}, context)


def _urls(kinds: tuple[str, ...], ports: dict[str, int]) -> dict[tuple[str, str], str]:
    return {(kind, access): f"{kind}://127.0.0.1:{port}" for kind in kinds for access, port in ports.items()}


PROXIES: dict[str, tuple[Start, tuple[str, ...], tuple[str, ...]]] = {
    "tinyproxy": (tinyproxy, ("http",), ("password", "open")),
    "squid": (squid, ("http", "https"), ("password", "open", "digest")),
    "danted": (dante, ("socks4", "socks5", "socks5h"), ("open",)),
    "microsocks": (microsocks, ("socks5", "socks5h"), ("password", "open")),
    "mitmdump": (mitmproxy, ("http", "https", "socks5"), ("password", "open")),
}
"""What starts each proxy, the kinds that it is, and the accesses to it."""


def protocols_of(proxy: str, kind: str, access: str) -> tuple[str, ...]:
    """Return what can be asked for through a proxy: one that reads requests to http:// takes HTTP/1.1 for them."""
    if kind.startswith("socks") and proxy != "mitmdump":
        return tuple(PROTOCOLS)
    return ("http 1.1", "https 1.1", "https 2")
