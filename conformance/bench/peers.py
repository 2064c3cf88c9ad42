"""The sandbox beside MiniStack and moto, for an operation that all of them have.

    python3 conformance/bench/peers.py <path of driftlab-sandbox>

Installs both into a virtual environment below target/ and says so where that cannot be done. Prints Markdown. The peers do
not verify signatures; so that the same is compared, the sandbox does not either here.
"""

import http.client
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "peers"
GROUPS = 999


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """One kept connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ec2(self, **form):
        body = urllib.parse.urlencode({"Version": "2016-11-15", **form})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/ec2/aws4_request,"
            " SignedHeaders=host, Signature=0",
        }
        self.connection.request("POST", "/", body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {text[:300]}")
        return text


def measure(name, command, port, environment):
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                Client(port).ec2(Action="DescribeVpcs")
                break
            except (OSError, http.client.HTTPException):
                if process.poll() is not None:
                    raise RuntimeError("it ended by itself") from None
                if time.perf_counter() - begin > 60:
                    raise RuntimeError("it does not answer") from None
                time.sleep(0.002)
        started = time.perf_counter() - begin
        client = Client(port)
        created = []
        for number in range(GROUPS):
            at = time.perf_counter()
            client.ec2(Action="CreateSecurityGroup", GroupName=f"group-{number}", GroupDescription="x")
            created.append(time.perf_counter() - at)
        described = []
        for _ in range(15):
            at = time.perf_counter()
            text = client.ec2(Action="DescribeSecurityGroups")
            described.append(time.perf_counter() - at)
            found = text.count("<groupName>group-")
            if found != GROUPS:
                raise RuntimeError(f"only {found} of {GROUPS} groups are shown")
        row = [started, statistics.median(created), statistics.median(described)]
        print(f"| {name} | " + " | ".join(f"{value * 1000:.2f}" for value in row) + " |")
    except RuntimeError as problem:
        print(f"| {name} | could not be measured: {problem} | | |")
    finally:
        process.kill()
        process.wait()


def installed():
    python = HOME / "bin" / "python"
    if not python.exists():
        venv.create(HOME, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "ministack", "moto[ec2,server]"],
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            print("skipped: MiniStack and moto cannot be installed", file=sys.stderr)
            return None
    return python


def version(python, package):
    code = f"import importlib.metadata as m; print(m.version('{package}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main():
    print("| | first answer, ms | `CreateSecurityGroup`, ms | `DescribeSecurityGroups` on 1,000 groups, ms |")
    print("| --- | ---: | ---: | ---: |")
    port = free_port()
    with tempfile.TemporaryDirectory() as state:
        command = [sys.argv[1], "--port", str(port), "--no-signatures", "--state-dir", state]
        measure("the sandbox", command, port, {})
    python = installed()
    if python is None:
        return
    port = free_port()
    name = f"MiniStack {version(python, 'ministack')}"
    measure(name, [HOME / "bin" / "ministack"], port, {"GATEWAY_PORT": str(port), "EDGE_PORT": str(port)})
    port = free_port()
    name = f"moto {version(python, 'moto')}"
    measure(name, [HOME / "bin" / "moto_server", "-p", str(port)], port, {})


main()
