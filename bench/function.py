"""Our function against its peer: one Runtime API host, one stub of EC2 and Config, one run, in turns.

    python3 bench/function.py bootstrap-x86_64.zip [--fresh 15] [--warm 200] [--write docs/performance.md]

`cargo xtask bench --function` builds the package and runs this. Prints a table in Markdown; with `--write` it also
replaces the measured part of that page. Plain HTTP: the function trusts the public authorities only, so a stub has no certificate
that it would take. Both sides talk to the same Python host, whose own time is part of every latency; CPU and memory
are those of the function's process alone.
"""

import argparse
import http.server
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import boto3

HERE = os.path.dirname(os.path.abspath(__file__))
GROUP = "sg-0123456789abcdef0"


class World:
    """What the stub knows: the ports that are open, how long it takes, what was asked for."""

    def __init__(self):
        self.lock = threading.Lock()
        self.delay, self.ports, self.calls, self.flying, self.most = 0.0, [80, 443], 0, 0, 0
        self.event, self.done = None, None
        self.waiting = threading.Condition()


WORLD = World()


def event():
    item = {
        "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
        "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::SecurityGroup",
        "resourceId": GROUP,
    }
    invoking = {"configurationItem": item, "messageType": "ConfigurationItemChangeNotification"}
    return {
        "invokingEvent": json.dumps(invoking),
        "ruleParameters": "{}",
        "resultToken": "token",
        "eventLeftScope": False,
        "accountId": "123456789012",
        "configRuleName": "EC2SecurityGroup",
        "configRuleId": "config-rule-0a",
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def reply(self, body, status=200, headers=()):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        if not self.path.endswith("/next"):
            return self.reply(b"", 404)
        with WORLD.waiting:
            # A process that has been ended may still have a request here; the event is not for it.
            while WORLD.event is None and not self.server.over:
                WORLD.waiting.wait()
            if self.server.over:
                self.close_connection = True
                return
            body, WORLD.event = WORLD.event, None
        deadline = str(int((time.time() + 60) * 1000))
        self.reply(
            body,
            headers=[
                ("lambda-runtime-aws-request-id", "r"),
                ("lambda-runtime-deadline-ms", deadline),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f"),
            ],
        )

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if "/runtime/" in self.path:
            self.reply(b"{}", 202)
            with WORLD.waiting:
                WORLD.done = self.path.rsplit("/", 1)[1]
                WORLD.waiting.notify_all()
            return
        with WORLD.lock:
            WORLD.calls += 1
            WORLD.flying += 1
            WORLD.most = max(WORLD.most, WORLD.flying)
        time.sleep(WORLD.delay)
        answer = self.aws(body)
        with WORLD.lock:
            WORLD.flying -= 1
        self.reply(answer.encode())

    def aws(self, body):
        if body.startswith("{"):
            return '{"FailedEvaluations":[]}'
        if "Action=DescribeSecurityGroups" in body:
            rules = "".join(
                f"<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort>"
                "<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>"
                for port in WORLD.ports
            )
            return (
                '<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><securityGroupInfo><item>'
                f"<ownerId>123456789012</ownerId><groupId>{GROUP}</groupId><groupName>g</groupName>"
                f"<ipPermissions>{rules}</ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>"
            )
        return '<Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><return>true</return></Response>'


class Server(http.server.ThreadingHTTPServer):
    """A host of its own for every process, so that none hears what is meant for another."""

    daemon_threads = True
    over = False

    def handle_error(self, *_):
        """A process that was ended has broken its connections, as it should."""


def invoke(ports):
    """One event; seconds until its answer, calls that it made, and how many of them at once."""
    with WORLD.lock:
        WORLD.ports, WORLD.calls, WORLD.most = ports, 0, 0
    with WORLD.waiting:
        WORLD.event, WORLD.done = json.dumps(event()).encode(), None
        start = time.perf_counter()
        WORLD.waiting.notify_all()
        while WORLD.done is None:
            if not WORLD.waiting.wait(30):
                raise SystemExit("the function does not answer")
        took = time.perf_counter() - start
    if WORLD.done != "response":
        raise SystemExit("the function failed")
    return took, WORLD.calls, WORLD.most


def spawn(command):
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"127.0.0.1:{server.server_address[1]}"
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "123456789012",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return server, subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def cpu(pid):
    """Seconds of CPU by all threads, to the nanosecond; ticks would be too coarse."""
    threads = f"/proc/{pid}/task"
    return sum(int(open(f"{threads}/{thread}/schedstat").read().split()[0]) for thread in os.listdir(threads)) / 1e9


def peak(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmHWM")


CLEAN, DRIFTED = [80, 443], [80, 465, 993]


def end(server, process):
    process.kill()
    process.wait()
    with WORLD.waiting:
        server.over = True
        WORLD.waiting.notify_all()
    server.shutdown()
    server.server_close()


def cold(command):
    start = time.perf_counter()
    server, process = spawn(command)
    invoke(DRIFTED)
    took = time.perf_counter() - start
    end(server, process)
    return took


def warm(command, count, ports):
    server, process = spawn(command)
    for _ in range(10):
        invoke(ports)
    before = cpu(process.pid)
    answers = [invoke(ports) for _ in range(count)]
    used = (cpu(process.pid) - before) / count
    memory = peak(process.pid)
    end(server, process)
    times, calls, most = zip(*answers)
    return statistics.median(times), used, memory, calls[0], max(most)


BEGIN, END = "<!-- measured: bench/function.py -->\n", "<!-- end of measured -->\n"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("package")
    arguments.add_argument("--fresh", type=int, default=15)
    arguments.add_argument("--warm", type=int, default=200)
    arguments.add_argument("--write")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        with zipfile.ZipFile(given.package) as package:
            package.extract("bootstrap", directory)
        bootstrap = os.path.join(directory, "bootstrap")
        os.chmod(bootstrap, 0o755)
        text = measure(bootstrap, os.path.getsize(given.package), given.fresh, given.warm)
    print(text)
    if given.write:
        page = open(given.write).read()
        head, rest = page.split(BEGIN)
        _, tail = rest.split(END)
        with open(given.write, "w") as file:
            file.write(f"{head}{BEGIN}\n{text}\n\n{END}{tail}")


def measure(bootstrap, size, fresh, count):
    python = [sys.executable, os.path.join(HERE, "peer", "function.py")]
    sides = {"ours": [bootstrap], "peer": python}
    rows = []

    def row(name, unit, ours, peer, digits=2):
        rows.append(f"| {name} | {ours:.{digits}f} {unit} | {peer:.{digits}f} {unit} | {peer / ours:.1f} |")

    for delay in (0.0, 0.01):
        WORLD.delay = delay
        label = f"{int(delay * 1000)} ms"
        starts = {side: [] for side in sides}
        for _ in range(fresh):
            for side, command in sides.items():
                starts[side].append(cold(command))
        medians = {side: statistics.median(values) * 1000 for side, values in starts.items()}
        row(f"cold start: spawn to first answer, drift, {label}", "ms", medians["ours"], medians["peer"], 1)
        for path, ports in (("drift", DRIFTED), ("clean", CLEAN)):
            ours = warm(sides["ours"], count, ports)
            peer = warm(sides["peer"], count, ports)
            row(f"warm, {path}, p50, {label}", "ms", ours[0] * 1000, peer[0] * 1000)
            row(f"CPU an invocation, {path}, {label}", "ms", ours[1] * 1000, peer[1] * 1000)
            if delay == 0.0 and path == "drift":
                row("peak memory", "MiB", ours[2], peer[2], 1)
            calls = f"{ours[3]} ({ours[4]} at once)", f"{peer[3]} ({peer[4]} at once)"
            if delay:
                rows.append(f"| calls, {path} | {calls[0]} | {calls[1]} | |")
    rows.append(f"| package, zipped | {size / 1e6:.2f} MB | (boto3 is in Lambda's own image) | |")

    load = os.getloadavg()[0]
    machine = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    head = (
        f"{os.cpu_count()} cores of {machine}, load {load:.1f}; Python {platform.python_version()} with boto3 "
        f"{boto3.__version__}; medians of {fresh} fresh processes and of {count} warm invocations; plain HTTP."
    )
    return "\n".join([head, "", "| | ours | Python peer | ratio |", "| --- | ---: | ---: | ---: |", *rows])


if __name__ == "__main__":
    main()
