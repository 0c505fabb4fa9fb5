"""Proxies that are real servers: tinyproxy, squid, Dante, microsocks and mitmproxy. The user is `user`, the password `secret`."""

from __future__ import annotations

import contextlib
import os
import pwd
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.servers.origins import Origin, certificate
from tests.servers.processes import available, free_port, running
from tests.worlds.certificates import client_context

USER = ("user", "secret")


class Via(NamedTuple):
    """A proxy that runs: the URLs to reach it by, and what to trust behind it."""

    urls: dict[str, str]
    """The URL for each kind of proxy that it is, without credentials."""
    wants_password: bool
    verify: ssl.SSLContext


Start = Callable[[Path, Origin], "contextlib.AbstractContextManager[Via]"]

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
BasicAuth user secret
ConnectPort {https}
ConnectPort 1
Timeout 20
LogLevel Warning
"""

SQUID = """
http_port 127.0.0.1:{port}
https_port 127.0.0.1:{secured} tls-cert={pem} tls-key={pem}
auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}
auth_param basic children 1
acl known proxy_auth REQUIRED
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
def tinyproxy(directory: Path, origin: Origin) -> Iterator[Via]:
    """Run tinyproxy, which is an http proxy."""

    def command(port: int) -> list[str]:
        configuration = directory / "tinyproxy.conf"
        configuration.write_text(TINYPROXY.format(port=port, https=origin.https))
        return [available()["tinyproxy"], "-d", "-c", str(configuration)]

    with running(command, directory) as port:
        yield Via({"http": f"http://127.0.0.1:{port}"}, True, client_context())


@contextlib.contextmanager
def squid(directory: Path, origin: Origin) -> Iterator[Via]:
    """Run squid, which is an http proxy and an https one."""
    secured = free_port()
    hashed = subprocess.run(["openssl", "passwd", "-apr1", USER[1]], check=True, capture_output=True, text=True).stdout
    passwords = directory / "passwords"
    passwords.write_text(f"{USER[0]}:{hashed}")
    pem = certificate(directory, "127.0.0.1", "localhost")

    def command(port: int) -> list[str]:
        configuration = directory / "squid.conf"
        configuration.write_text(SQUID.format(port=port, secured=secured, pem=pem, passwords=passwords))
        return [available()["squid"], "-N", "-f", str(configuration)]

    with running(command, directory) as port:
        urls = {"http": f"http://127.0.0.1:{port}", "https": f"https://127.0.0.1:{secured}"}
        yield Via(urls, True, client_context())


@contextlib.contextmanager
def dante(directory: Path, origin: Origin) -> Iterator[Via]:
    """Run Dante, which is a SOCKS proxy of both versions, and knows no 4a."""

    def command(port: int) -> list[str]:
        configuration = directory / "danted.conf"
        configuration.write_text(DANTE.format(port=port, user=pwd.getpwuid(os.getuid()).pw_name))
        return [available()["danted"], "-f", str(configuration), "-p", str(directory / "danted.pid")]

    with running(command, directory) as port:
        urls = {kind: f"{kind}://127.0.0.1:{port}" for kind in ("socks4", "socks5", "socks5h")}
        yield Via(urls, False, client_context())


@contextlib.contextmanager
def microsocks(directory: Path, origin: Origin) -> Iterator[Via]:
    """Run microsocks, which is a SOCKS 5 proxy with a password."""

    def command(port: int) -> list[str]:
        return [available()["microsocks"], "-i", "127.0.0.1", "-p", str(port), "-u", USER[0], "-P", USER[1]]

    with running(command, directory) as port:
        yield Via({kind: f"{kind}://127.0.0.1:{port}" for kind in ("socks5", "socks5h")}, True, client_context())


@contextlib.contextmanager
def mitmproxy(directory: Path, origin: Origin) -> Iterator[Via]:
    """Run mitmproxy, which is a proxy of several kinds, and stands behind the tunnel itself, with certificates of its own."""
    pem = certificate(directory, "127.0.0.1", "localhost")
    socks = free_port()

    def command(port: int) -> list[str]:
        return [
            available()["mitmdump"],
            *("--set", f"confdir={directory}", "--certs", f"127.0.0.1={pem}", "--ssl-insecure", "--quiet"),
            *("--mode", f"regular@127.0.0.1:{port}", "--mode", f"socks5@127.0.0.1:{socks}"),
            *("--proxyauth", ":".join(USER)),
        ]

    with running(command, directory) as port:
        context = client_context()
        context.load_verify_locations(directory / "mitmproxy-ca-cert.pem")
        urls = {"http": f"http://127.0.0.1:{port}", "https": f"https://127.0.0.1:{port}"}
        yield Via({**urls, "socks5": f"socks5://127.0.0.1:{socks}"}, True, context)


PROXIES: dict[tuple[str, str], Start] = {
    ("tinyproxy", "http"): tinyproxy,
    ("squid", "http"): squid,
    ("squid", "https"): squid,
    ("danted", "socks4"): dante,
    ("danted", "socks5"): dante,
    ("danted", "socks5h"): dante,
    ("microsocks", "socks5"): microsocks,
    ("microsocks", "socks5h"): microsocks,
    ("mitmdump", "http"): mitmproxy,
    ("mitmdump", "https"): mitmproxy,
    ("mitmdump", "socks5"): mitmproxy,
}
"""Each proxy as each kind that it is."""
