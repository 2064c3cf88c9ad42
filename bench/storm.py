"""Many groups at once: how repairs and sweeps grow with the number of groups, and Cloud Custodian at the same job.

    python3 bench/storm.py target/lambda/prebuilt [--groups 10,100,300,1000] [--rounds 3] [--write docs/proofs.md]

`cargo xtask bench --storm` builds the programs, installs Cloud Custodian below target/ and runs this with its Python.
Prints two tables in Markdown; with `--write` it also replaces the measured part of that page.

Storm: in a new sandbox for each number, every group of the lab's VPC gets two ports opened to the world, and only when all
are open does Config tell its rule of each. Sweep: the rule that goes by changes is taken away, one by
the clock takes its place; the ports are opened again; then a sweep, then the ports again, then `custodian run`, in turns.
Times are the sandbox's own, from its list of calls; processor time is the kernel's.
"""

import argparse
import collections
import concurrent.futures
import datetime
import http.client
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials

ACCOUNT, REGION, PORTS = "123456789012", "us-east-1", (465, 993)
KEYS = {
    "AWS_ACCESS_KEY_ID": ACCOUNT,
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}
TICKS = os.sysconf("SC_CLK_TCK")
BEGIN, END = "<!-- storm: begin, written by bench/storm.py -->", "<!-- storm: end -->"

POLICY = {
    "policies": [
        {
            "name": "close",
            "resource": "aws.security-group",
            "filters": [
                {"VpcId": None},
                {"type": "ingress", "Ports": list(PORTS), "Cidr": {"value": "0.0.0.0/0"}},
            ],
            "actions": [{"type": "remove-permissions", "ingress": "matched"}],
        }
    ]
}


class World:
    """A sandbox with a lab in it."""

    def __init__(self, programs):
        self.programs = programs
        self.state = tempfile.TemporaryDirectory()
        command = [programs / "driftlab-sandbox", "--port", "0", "--exit-with-stdin", "--state-dir", f"{self.state.name}/state"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ready = json.loads(self.process.stdout.readline())
        self.endpoint = ready["endpoint"]
        self.bearer = json.loads(pathlib.Path(ready["state_file"]).read_text())["bearer"]
        self.host = urllib.parse.urlsplit(self.endpoint).netloc
        self.secret = self.admin(f"credentials?account={ACCOUNT}")["secret_access_key"]
        keys = {**KEYS, "AWS_SECRET_ACCESS_KEY": self.secret}
        self.environment = {**os.environ, **keys, "AWS_ENDPOINT_URL": self.endpoint}
        package = next(programs.glob("bootstrap-*.zip"))
        deployed = subprocess.run(
            [programs / "driftlab", "deploy", "--yes", "--output=json", "--email=storm@example.com", "--package", package]
            + ["--endpoint-url", self.endpoint, "--region", REGION],
            env=self.environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.lab = json.loads(deployed.stdout)
        self.groups, self.seen, self.pulled, self.last = [], [], 0, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.state.cleanup()

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION,
            aws_access_key_id=ACCOUNT, aws_secret_access_key=self.secret,
        )  # fmt: skip

    def admin(self, path, method="GET"):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, f"/_sandbox/{path}", headers={"Authorization": f"Bearer {self.bearer}"})
        return json.loads(connection.getresponse().read())

    def settle(self):
        """Waits until nothing is under way."""
        deadline = time.monotonic() + 600
        while not self.admin("health")["idle"]:
            if time.monotonic() > deadline:
                raise RuntimeError("it does not come to rest within ten minutes")
            self.pull()
            time.sleep(0.25)  # Every look costs the sandbox time that is measured here.
        self.pull()

    def ec2(self, forms):
        """Sends forms over four connections. `boto3` would be slower than what it attacks."""
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(ACCOUNT, self.secret), "ec2", REGION)

        def request(form):
            body = urllib.parse.urlencode({"Version": "2016-11-15", **form})
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            signed = botocore.awsrequest.AWSRequest("POST", f"{self.endpoint}/", headers=kind, data=body)
            signer.add_auth(signed)
            return "POST", "/", body, dict(signed.headers)

        def send(forms):
            connection = http.client.HTTPConnection(self.host, timeout=60)
            answers = []
            for form in forms:
                connection.request(*request(form))
                answer = connection.getresponse()
                text = answer.read().decode()
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status}: {text[:300]}")
                answers.append(text)
            return answers

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(send, forms[i::4]) for i in range(4)]
            while concurrent.futures.wait(sent, timeout=0.2).not_done:
                self.pull()
        return [text for answers in sent for text in answers.result()]

    def furnish(self, count):
        """So many groups that are right."""
        make = [
            {"Action": "CreateSecurityGroup", "GroupName": f"storm-{i}", "GroupDescription": "x", "VpcId": self.lab["vpc_id"]}
            for i in range(count)
        ]
        self.groups = [re.search("<groupId>(.+?)</groupId>", text)[1] for text in self.ec2(make)]
        self.settle()

    def attack(self):
        """Opens the ports of every group."""
        self.ec2([permissions("AuthorizeSecurityGroupIngress", group, PORTS) for group in self.groups])

    def pull(self):
        """Takes over what was called since the last time: the sandbox keeps only the newest ten thousand calls."""
        found = self.admin(f"calls?account={ACCOUNT}&after={self.last}")
        if found["forgotten"] > self.pulled:
            raise RuntimeError("the sandbox has forgotten calls that are counted here")
        self.pulled += len(found["calls"])
        for call in found["calls"]:
            self.last = call["number"]
            if call["source"] == "client":
                self.seen.append(call)

    def mark(self):
        """From here on."""
        self.pull()
        return len(self.seen)

    def calls(self, mark):
        """Calls of clients since then, oldest first."""
        self.pull()
        return self.seen[mark:]

    def check(self):
        """Every group is as it shall be, and nobody is left out."""
        pages = self.client("ec2").get_paginator("describe_security_groups").paginate(
            Filters=[{"Name": "vpc-id", "Values": [self.lab["vpc_id"]]}]
        )
        ports = {
            group["GroupId"]: sorted(p.get("FromPort", -1) for p in group["IpPermissions"])
            for page in pages
            for group in page["SecurityGroups"]
        }
        wrong = {group: ports.get(group) for group in self.groups if ports.get(group) != [80, 443]}
        if wrong:
            raise RuntimeError(f"{len(wrong)} group(s) are not healed, like {next(iter(wrong.items()))}")

    def verdicts(self, rule):
        """How many of the groups Config calls compliant."""
        pages = self.client("config").get_paginator("get_compliance_details_by_config_rule").paginate(ConfigRuleName=rule)
        good = {
            result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]
            for page in pages
            for result in page["EvaluationResults"]
            if result["ComplianceType"] == "COMPLIANT"
        }
        return len(good.intersection(self.groups))

    def processor(self):
        """Processor seconds so far: of the sandbox, and of the functions, those that have ended included."""
        own = pathlib.Path(f"/proc/{self.process.pid}")
        fields = lambda process: (process / "stat").read_text().rpartition(") ")[2].split()
        functions = sum(map(int, fields(own)[13:15])) / TICKS
        for process in pathlib.Path("/proc").iterdir():
            try:
                if process.name.isdigit() and fields(process)[1] == str(self.process.pid):
                    functions += scheduled(process)
            except OSError:
                continue  # It has ended meanwhile.
        return scheduled(own), functions


def scheduled(process):
    """Seconds on a processor, to the nanosecond: what a short function needs is less than a tick."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in (process / "task").iterdir()) / 1e9


def permissions(action, group, ports):
    form = {"Action": action, "GroupId": group}
    for i, port in enumerate(ports, 1):
        at = f"IpPermissions.{i}"
        form |= {f"{at}.IpProtocol": "tcp", f"{at}.FromPort": port, f"{at}.ToPort": port}
        form[f"{at}.IpRanges.1.CidrIp"] = "0.0.0.0/0"
    return form


def moment(call):
    return datetime.datetime.fromisoformat(call["at"].replace("Z", "+00:00")).timestamp()


def by(calls, *operations, kind=None):
    return [c for c in calls if c["operation"] in operations and (kind is None or c["caller"]["kind"] == kind)]


def storm(programs, count):
    """Two storms in a new world: the second finds the function's processes running."""
    with World(programs) as world:
        world.furnish(count)
        return {"groups": count, "first": strike(world), "again": strike(world)}


def strike(world):
    """Config is held back until every group is open, and let go then."""
    count, mark = len(world.groups), world.mark()
    world.admin(f"config-latency?value={2000 + 40 * count}ms", "POST")
    world.attack()
    world.admin("config-latency?value=0", "POST")
    before = world.processor()
    world.settle()
    after = world.processor()
    calls = world.calls(mark)
    world.check()
    compliant = world.verdicts(world.lab["rule"])
    if compliant != count:
        raise RuntimeError(f"only {compliant} of {count} groups are compliant")
    opened = by(calls, "AuthorizeSecurityGroupIngress", kind="operator")
    made = [c for c in calls if c["caller"]["kind"] == "role"]
    closed = by(made, "RevokeSecurityGroupIngress")
    if len({c["input"]["GroupId"] for c in closed}) != count or len(closed) != count:
        raise RuntimeError("not every group was closed once")
    if moment(opened[-1]) > moment(made[0]):
        raise RuntimeError("the first repair came before the last group was open")
    return {
        "closed": moment(closed[-1]) - moment(made[0]),
        "reported": moment(by(made, "PutEvaluations")[-1]) - moment(made[0]),
        "calls": len(made),
        "function": after[1] - before[1],
        "sandbox": after[0] - before[0],
    }


def ours(world):
    """One sweep of the function. Config lets nobody ask for one more than once a minute, but a rule that says something new
    is evaluated at once."""
    mark, before = world.mark(), world.processor()
    parameters = {"scope": f"vpc:{world.lab['vpc_id']}", "contested": f"report:100/{mark % 1440 + 1}"}
    world.client("config").put_config_rule(ConfigRule={**world.rule, "InputParameters": json.dumps(parameters)})
    world.settle()
    calls, after = world.calls(mark), world.processor()
    world.check()
    begun = by(calls, "PutConfigRule")[0]
    made = [c for c in calls if c["caller"]["kind"] == "role"]
    closed = by(made, "RevokeSecurityGroupIngress")
    return {
        "first to last": moment(closed[-1]) - moment(made[0]),
        "whole": moment(made[-1]) - moment(begun),
        "processor": after[1] - before[1],
        "calls": collections.Counter(c["operation"] for c in made),
    }


def theirs(world, policy, output):
    """One run of Cloud Custodian."""
    mark, before = world.mark(), resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    run = subprocess.run(
        [pathlib.Path(sys.executable).with_name("custodian"), "run", "--region", REGION, "--cache-period", "0"]
        + ["--output-dir", str(output), str(policy)],
        env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    whole = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        raise RuntimeError(f"custodian failed: {run.stdout[-2000:]}")
    calls = [c for c in world.calls(mark) if c["caller"]["kind"] == "operator"]
    world.settle()
    world.check()
    closed = by(calls, "RevokeSecurityGroupIngress")
    return {
        "first to last": moment(closed[-1]) - moment(calls[0]),
        "whole": whole,
        "processor": (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime),
        "calls": collections.Counter(c["operation"] for c in calls),
    }


def sweeps(programs, count, rounds):
    """Both at the same job, in turns, in one world."""
    with World(programs) as world, tempfile.TemporaryDirectory() as scratch:
        config = world.client("config")
        config.delete_config_rule(ConfigRuleName=world.lab["rule"])
        world.settle()
        # Without the recorder nothing else happens while both are at work.
        world.furnish(count)
        world.ec2([permissions("AuthorizeSecurityGroupIngress", group, (80, 443)) for group in world.groups])
        world.rule = {"ConfigRuleName": "Sweep", "Source": {
            "Owner": "CUSTOM_LAMBDA",
            "SourceIdentifier": world.lab["function_arn"],
            "SourceDetails": [{
                "EventSource": "aws.config", "MessageType": "ScheduledNotification",
                "MaximumExecutionFrequency": "TwentyFour_Hours",
            }],
        }}  # fmt: skip
        world.settle()
        policy = pathlib.Path(scratch) / "close.json"
        POLICY["policies"][0]["filters"][0]["VpcId"] = world.lab["vpc_id"]
        policy.write_text(json.dumps(POLICY))
        told = {"ours": [], "theirs": []}
        for turn in range(rounds):
            for who in ("ours", "theirs") if turn % 2 == 0 else ("theirs", "ours"):
                world.attack()
                world.settle()
                told[who].append(ours(world) if who == "ours" else theirs(world, policy, scratch))
        return told


def exponent(rows, key, turn):
    """The slope of a straight line through the logarithms: 1 is linear."""
    xs, ys = [math.log(row["groups"]) for row in rows], [math.log(row[turn][key]) for row in rows]
    return statistics.linear_regression(xs, ys).slope


def storm_table(rows):
    columns = [(key, turn) for turn in ("first", "again") for key in ("closed", "reported", "function", "sandbox")]
    names = {
        "closed": "all closed, s", "reported": "all reported, s",
        "function": "function's CPU, ms a group", "sandbox": "sandbox's CPU, ms a group",
    }  # fmt: skip
    turns = {"first": "new processes", "again": "again"}
    yield "| groups at once | calls of the function | " + " | ".join(f"{turns[turn]}: {names[key]}" for key, turn in columns) + " |"
    yield "| ---: " * (len(columns) + 2) + "|"
    for row in rows:
        shown = [
            f"{row[turn][key] * 1000 / row['groups']:.2f}" if key in ("function", "sandbox") else f"{row[turn][key]:.2f}"
            for key, turn in columns
        ]
        yield f"| {row['groups']:,} | {row['first']['calls']:,} | " + " | ".join(shown) + " |"
    slopes = [exponent(rows, key, turn) for key, turn in [("calls", "first"), *columns]]
    yield "| exponent of the total | " + " | ".join(f"{slope:.2f}" for slope in slopes) + " |"


def sweep_table(all_told):
    yield "| groups | who | first call to last closed, s | asked for to ended, s | CPU, s | calls |"
    yield "| ---: | --- | ---: | ---: | ---: | --- |"
    for count, told in all_told:
        middle = lambda who, key: statistics.median(run[key] for run in told[who])
        for who, name in (("ours", "Drift Lab"), ("theirs", "Cloud Custodian")):
            calls = ", ".join(f"{n:,} `{operation}`" for operation, n in told[who][-1]["calls"].most_common())
            yield (
                f"| {count:,} | {name} | {middle(who, 'first to last'):.2f} | {middle(who, 'whole'):.2f}"
                f" | {middle(who, 'processor'):.2f} | {calls} |"
            )
        ratios = [middle("theirs", key) / middle("ours", key) for key in ("first to last", "whole", "processor")]
        yield f"| {count:,} | ratio | {ratios[0]:.1f} | {ratios[1]:.1f} | {ratios[2]:.1f} | |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path, help="where driftlab, driftlab-sandbox and the package are")
    parser.add_argument("--groups", default="10,100,300,1000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=pathlib.Path, help="the page whose measured part is replaced")
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.groups.split(",")]
    rows, told = [], []
    for count in counts:
        print(f"── a storm over {count} groups", file=sys.stderr)
        rows.append(storm(arguments.programs, count))
    for count in counts:
        print(f"── sweeps of {count} groups", file=sys.stderr)
        told.append((count, sweeps(arguments.programs, count, arguments.rounds)))
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("c7n", "boto3"))
    text = "\n".join([
        f"{os.cpu_count()} × {cpu}, Linux {platform.release()}, Python {platform.python_version()}, {versions}; "
        f"load {os.getloadavg()[0]:.1f} at the end. Sandbox: development build; function: as deployed. "
        f"Sweeps: medians of {arguments.rounds} turns.",
        "", *storm_table(rows), "", *sweep_table(told),
    ])  # fmt: skip
    print(text)
    if arguments.write:
        page = arguments.write.read_text()
        head, _, rest = page.partition(BEGIN)
        _, found, tail = rest.partition(END)
        if not found:
            sys.exit(f"{arguments.write} has no place for the tables")
        arguments.write.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")


if __name__ == "__main__":
    main()
