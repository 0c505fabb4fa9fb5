"""The suites: what is fetched, what its tests need, and how many of them there are."""

from __future__ import annotations

from typing import NamedTuple


class Suite(NamedTuple):
    """A published suite of tests."""

    name: str
    """The distribution, as the package index calls it."""

    version: str

    collected: int
    """How many tests pytest finds in it. Another number means that something was not run."""

    requirements: tuple[str, ...]
    """What is installed beside the checkout: the tools that the suite was written for."""

    targets: tuple[str, ...] = ("tests",)
    """What pytest is given of the source distribution."""

    options: tuple[str, ...] = ()
    """More options for pytest."""

    without: tuple[str, ...] = ()
    """What is taken away again: uvicorn would answer in another way than the suite knows, for example."""


SUITES = (
    Suite(
        "httpx",
        "0.28.1",
        1418,
        (
            "anyio<4.13",
            "brotli",
            "chardet==5.2.0",
            "click<8.2",
            "h2",
            "httpcore==1.0.9",
            "pygments",
            "pytest==8.3.4",
            "rich",
            "socksio",
            "trio==0.27.0",
            "trustme==1.1.0",
            "uvicorn==0.32.1",
            "zstandard",
        ),
        without=("httptools",),
    ),
    Suite(
        "httpx-sse",
        "0.4.3",
        59,
        (
            "httpx-sse==0.4.3",
            "anyio<5",
            "pytest==7.4.3",
            "pytest-asyncio==0.21.1",
            "pytest-cov<5",
            "sse-starlette==1.8.2",
            "starlette==0.27.0",
        ),
        options=("--no-cov",),
    ),
    Suite(
        "httpx-ws",
        "0.9.0",
        147,
        ("httpx-ws==0.9.0", "pytest", "pytest-cov", "starlette", "trio", "uvicorn[standard]"),
        options=("--no-cov", "-p", "bound_servers"),
    ),
    Suite(
        "hishel",
        "2.0.0",
        416,
        (
            "hishel[fastapi,httpx,httpx2,redis,requests]==2.0.0",
            "fakeredis>=2.37.1",
            "fastapi>=0.141.1",
            "inline-snapshot>=0.35.4",
            "pytest==9.1.1",
            "time-machine>=3.5.0",
            "trio==0.34.0",
            "zipp>=4.1.0",
        ),
        # The rest of it is about storages and other clients.
        targets=(
            "tests/test_async_httpx.py",
            "tests/test_async_httpx2.py",
            "tests/test_sync_httpx.py",
            "tests/test_sync_httpx2.py",
        ),
    ),
    Suite(
        "pytest-httpx",
        "0.36.2",
        298,
        ("pytest-httpx==0.36.2", "pytest-asyncio==1.*", "pytest==9.*"),
    ),
)
"""What httpx itself promises, and what four packages that live off its inner parts do with them."""
