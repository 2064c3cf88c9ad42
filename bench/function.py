"""Our function against its peer: one host of the Runtime API, of EC2 and of Config, one run, in turns.

    python3 bench/function.py bootstrap-x86_64.zip [--fresh 15] [--warm 200] [--write docs/performance.md]

`cargo xtask bench --function [--write]` builds the package and runs this. Prints tables in Markdown; with `--write` it
also replaces the measured part of that page. EC2 and Config are spoken to over TLS, under an authority that is made for the
run and trusted by `AWS_CA_BUNDLE`, as behind a company's proxy. Processor time and memory are those of the function's
process alone; a latency includes the host's own time, which is the same for both.
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

import boto3
import botocore
import botocore.httpsession

import host
import share

HERE = os.path.dirname(os.path.abspath(__file__))
CLEAN, DRIFTED = [80, 443], [80, 465, 993]
# What the network takes of an invocation in milliseconds, at 10 ms an answer: three and two answers one after the other.
FLOOR = {"drift": 30.0, "clean": 20.0}
# The two sides take turns after so many invocations.
TURN = 20
BEGIN, END = "<!-- measured: bench/function.py -->\n", "<!-- end of measured -->\n"

made = 0


def event(ports):
    """A change of a group that was not seen before, as AWS Config tells it: with the whole item."""
    global made
    made += 1
    group = f"sg-{made:017x}"
    cidr = {"ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"]}
    none = {"ipv6Ranges": [], "prefixListIds": [], "userIdGroupPairs": []}
    permissions = [{"fromPort": port, "ipProtocol": "tcp", "toPort": port, **none, **cidr} for port in ports]
    arn = f"arn:aws:ec2:us-east-1:123456789012:security-group/{group}"
    item = {
        "relatedEvents": [],
        "relationships": [
            {
                "resourceId": "vpc-0123456789abcdef0",
                "resourceName": None,
                "resourceType": "AWS::EC2::VPC",
                "name": "Is contained in Vpc",
            }
        ],
        "configuration": {
            "description": "a group",
            "groupName": "LabSG1",
            "ipPermissions": permissions,
            "ownerId": "123456789012",
            "groupId": group,
            "ipPermissionsEgress": [{"ipProtocol": "-1", **none, **cidr}],
            "tags": [{"key": "Name", "value": "LabSG1"}],
            "vpcId": "vpc-0123456789abcdef0",
        },
        "supplementaryConfiguration": {},
        "tags": {"Name": "LabSG1"},
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
        "configurationStateId": 1795334405000,
        "awsAccountId": "123456789012",
        "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::SecurityGroup",
        "resourceId": group,
        "resourceName": "LabSG1",
        "ARN": arn,
        "awsRegion": "us-east-1",
        "availabilityZone": "Not Applicable",
        "configurationStateMd5Hash": "",
        "resourceCreationTime": None,
    }
    return {
        "version": "1.0",
        "invokingEvent": json.dumps(
            {
                "configurationItemDiff": None,
                "configurationItem": item,
                "notificationCreationTime": "2026-11-22T08:00:06.000Z",
                "messageType": "ConfigurationItemChangeNotification",
                "recordVersion": "1.3",
            }
        ),
        "ruleParameters": json.dumps({"debug": "false", "baseline": "ipv4", "mode": "enforce"}),
        "resultToken": "t" * 400,
        "eventLeftScope": False,
        "executionRoleArn": "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
        "configRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-0a1b2c",
        "configRuleName": "EC2SecurityGroup",
        "configRuleId": "config-rule-0a1b2c",
        "accountId": "123456789012",
        "evaluationMode": "DETECTIVE",
    }


class Function:
    """One process, and its host."""

    def __init__(self, command, context, bundle):
        self.host = host.Host(context)
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": self.host.runtime.address(),
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "123456789012",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "s" * 400,
            "AWS_ENDPOINT_URL": f"https://{self.host.aws.address()}",
            "AWS_CA_BUNDLE": bundle,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.start = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)

    def end(self, how):
        """What it wrote to standard error."""
        self.process.send_signal(how)
        told = self.process.communicate()[1].decode()
        self.host.close()
        return told

    def ready(self):
        """Seconds from its start until it asked for an event."""
        self.host.until_ready()
        return time.perf_counter() - self.start

    def invoke(self, ports, delay=0.0):
        return self.host.invoke(event(ports), ports, delay)

    def cpu(self):
        """Seconds of all threads, to the nanosecond; ticks would be too coarse."""
        threads = f"/proc/{self.process.pid}/task"
        return sum(int(open(f"{threads}/{thread}/schedstat").read().split()[0]) for thread in os.listdir(threads)) / 1e9

    def peak(self):
        """The most memory that it had, in MiB."""
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


class Bench:
    def __init__(self, commands, context, bundles, fresh, count):
        self.commands, self.context, self.bundles = commands, context, bundles
        self.fresh, self.count, self.rows = fresh, count, []

    def start(self, side, *before):
        """A process of one side, possibly under another program."""
        return Function([*before, *self.commands[side]], self.context, self.bundles[side])

    def row(self, name, unit, values, digits=2, goal=""):
        ours, peer = values["ours"], values["peer"]
        self.rows.append(f"| {name} | {ours:.{digits}f} {unit} | {peer:.{digits}f} {unit} | {peer / ours:.1f} | {goal} |")

    def fresh_processes(self, number, measure):
        """The medians of what is measured on fresh processes of both sides in turns."""
        seen = {side: [] for side in self.commands}
        for _ in range(number):
            for side in self.commands:
                with self.start(side) as function:
                    seen[side].append(measure(function))
        return [
            {side: statistics.median(column) * 1000 for side, column in columns.items()}
            for columns in (
                {side: [values[at] for values in rows] for side, rows in seen.items()}
                for at in range(len(seen["ours"][0]))
            )
        ]

    def cold(self):
        def measure(function):
            ready = function.ready()
            function.invoke(DRIFTED)
            return ready, time.perf_counter() - function.start

        ready, first = self.fresh_processes(self.fresh, measure)
        self.row("cold start: spawn to first answer, drift, 0 ms", "ms", first, 1, "75")
        self.row("of it until the first event is asked for", "ms", ready, 1)

    def turns(self, functions, path, delay, count):
        """Invocations of both, in turns: medians of latency and own time, processor time of one, and the calls."""
        ports = DRIFTED if path == "drift" else CLEAN
        seen, cpu = {side: [] for side in functions}, dict.fromkeys(functions, 0.0)
        for side in functions:
            for _ in range(10):
                functions[side].invoke(ports, delay)
        done = 0
        while done < count:
            turn = min(TURN, count - done)
            done += turn
            for side, function in functions.items():
                before = function.cpu()
                seen[side] += [function.invoke(ports, delay) for _ in range(turn)]
                cpu[side] += function.cpu() - before
        totals = {side: statistics.median(one[0] for one in seen[side]) * 1000 for side in seen}
        owns = {side: statistics.median(one[1] for one in seen[side]) * 1000 for side in seen}
        each = {side: cpu[side] / count * 1000 for side in seen}
        calls = {side: (len(seen[side][0][2]), max(host.most_at_once(one[2]) for one in seen[side])) for side in seen}
        return totals, owns, each, calls

    def warm(self):
        with self.start("ours") as ours, self.start("peer") as peer:
            functions = {"ours": ours, "peer": peer}
            for delay in (0.0, 0.01):
                label = f"{int(delay * 1000)} ms"
                for path in ("drift", "clean"):
                    totals, owns, cpu, calls = self.turns(functions, path, delay, self.count)
                    self.row(f"warm, {path}, p50, {label}", "ms", totals)
                    self.row(f"of it its own time, {label}", "ms", owns, 2, "" if delay else "10")
                    self.row(f"processor time of one, {path}, {label}", "ms", cpu, 2, "" if delay else "13")
                    if delay:
                        above = {side: f"{totals[side] - FLOOR[path]:.2f} ms" for side in totals}
                        self.rows.append(f"| above the network's {FLOOR[path]:.0f} ms | {above['ours']} | {above['peer']} | | ≤ 2.5 ms |")
                        words = [f"{number} ({most} at once)" for number, most in (calls["ours"], calls["peer"])]
                        self.rows.append(f"| calls, {path} | {words[0]} | {words[1]} | | |")
                if not delay:
                    self.row("peak memory", "MiB", {side: functions[side].peak() for side in functions}, 1, "13")

    def small(self):
        """With the processor time of 128 MB, which begins with the first event: Lambda starts functions at full speed."""
        if reason := share.refused():
            return f"The processor time of 128 MB was not measured: this machine gives no control group ({reason})."
        with share.Shares() as shares:

            def measure(function):
                function.ready()
                shares.hold(function.process.pid)
                return (function.invoke(DRIFTED, 0.01)[0],)

            [first] = self.fresh_processes(max(3, self.fresh // 3), measure)
            self.row("as 128 MB: first invocation, drift, 10 ms", "ms", first, 1, "30, ≤ 35 ms")
            with self.start("ours") as ours, self.start("peer") as peer:
                functions = {"ours": ours, "peer": peer}
                for function in functions.values():
                    function.ready()
                    shares.hold(function.process.pid)
                for path in ("drift", "clean"):
                    totals, owns, _, _ = self.turns(functions, path, 0.01, max(TURN, self.count // 5))
                    self.row(f"as 128 MB: warm, {path}, p50, 10 ms", "ms", totals)
                    self.row("of it its own time", "ms", owns, 2, "50")
        return (
            "As 128 MB: 1.44 ms of processor time in every 20 ms from the first event on, "
            "each process in a control group of its own."
        )

    def instructions(self):
        """Nearly free of noise, so the place to look for a change for the worse."""
        if not shutil.which("valgrind"):
            return "Instructions were not counted: there is no `valgrind` here."
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]

        def after(ports, number):
            function = self.start("ours", *valgrind)
            function.ready()
            for _ in range(number):
                function.invoke(ports)
            # It may still be on its way from the answer to its next question.
            time.sleep(0.2)
            told = function.end(signal.SIGTERM)
            return int(re.search(r"Collected : (\d+)", told).group(1)) / 1e6

        def row(name, count):
            self.rows.append(f"| {name} | {count:.2f} million | | | |")

        row("instructions until the first event is asked for", after(CLEAN, 0))
        for path, ports in (("drift", DRIFTED), ("clean", CLEAN)):
            row(f"instructions of one, {path}", (after(ports, 30) - after(ports, 10)) / 20)
        return "Instructions are counted by callgrind."


def with_public(bundle):
    """What botocore trusts by itself, and the authority of this run. Reading them is part of every start of a boto3
    function on AWS; ours has them compiled in, where the bundle of the run stands in for them."""
    path = f"{bundle}.and-public"
    with open(path, "w") as file:
        file.write(open(botocore.httpsession.where()).read() + open(bundle).read())
    return path


def decisions():
    """The core by itself, without processes and networks: what criterion estimates."""
    cargo = [os.environ.get("CARGO", "cargo"), "bench", "--quiet", "-p", "remediator-core", "--bench", "decisions"]
    subprocess.run(cargo, cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
    rows = []
    for bench, what in [("plan/exact", "plan, `exact`"), ("plan/at-most", "plan, `at-most`"), ("event/decide", "event, read and decided on")]:
        for rules in [10, 100, 1000]:
            with open(os.path.join(target, "criterion", bench, str(rules), "new", "estimates.json")) as file:
                median = json.load(file)["median"]
            low, middle, high = (nanoseconds / 1e3 for nanoseconds in (
                median["confidence_interval"]["lower_bound"],
                median["point_estimate"],
                median["confidence_interval"]["upper_bound"],
            ))
            rows.append(f"| {what}, {rules} rules | {middle:.1f} µs | {low:.1f} – {high:.1f} µs |")
    return "\n".join(["| what | median | 95 % confident |", "| --- | ---: | ---: |", *rows])


def machine():
    model = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo").read())
    return model.group(1) if model else platform.machine()


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
        python = [sys.executable, os.path.join(HERE, "peer", "function.py")]
        commands = {"ours": [bootstrap], "peer": python}
        load = os.getloadavg()[0]
        bundle, context = host.authority(directory)
        bundles = {"ours": bundle, "peer": with_public(bundle)}
        bench = Bench(commands, context, bundles, given.fresh, given.warm)
        bench.cold()
        bench.warm()
        notes = [bench.small(), bench.instructions()]
    size = os.path.getsize(given.package)
    bench.rows.append(f"| package, zipped | {size / 1e6:.3f} MB | (boto3 is in Lambda's own image) | | ≤ 1.5 MB |")
    head = (
        f"{os.cpu_count()} cores of {machine()}, load {load:.1f}; Python {platform.python_version()} with boto3 "
        f"{boto3.__version__} and botocore {botocore.__version__}; medians of {given.fresh} fresh processes and of "
        f"{given.warm} warm invocations; TLS. {' '.join(notes)}"
    )
    table = ["| | ours | Python peer | ratio | goal |", "| --- | ---: | ---: | ---: | ---: |", *bench.rows]
    core = "The core by itself, `cargo bench -p remediator-core`:"
    text = "\n".join([head, "", *table, "", core, "", decisions()])
    print(text)
    if given.write:
        page = open(given.write).read()
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
        with open(given.write, "w") as file:
            file.write(f"{before}{BEGIN}\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
