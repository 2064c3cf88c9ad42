"""The peer of the benchmark: the same remediation in Python, written as a careful person would.

Clients are made once, at import, with retries as ours has them. One read; then revoke, authorize and the first
report at the same time, on connections of their own; then the last report. A clean group: one read, one report. It
writes the same lines: one for people and one in JSON for each write and report, and the metrics. Left out is what the
events of the benchmark do not need, so the peer has less to decide: policies other than `ipv4`, doubt about stale
readings, contested groups, notices.
"""

import http.client
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import boto3
import botocore.config

CONFIG = botocore.config.Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=3,
    read_timeout=10,
    max_pool_connections=4,
)
EC2 = boto3.client("ec2", config=CONFIG)
SERVICE = boto3.client("config", config=CONFIG)
POOL = ThreadPoolExecutor(max_workers=3)
BASELINE = frozenset([("tcp", 80, 80, "0.0.0.0/0"), ("tcp", 443, 443, "0.0.0.0/0")])


def atoms(permissions):
    for permission in permissions:
        key = (permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort"))
        for source in permission.get("IpRanges", []):
            yield (*key, source["CidrIp"])
        for source in permission.get("Ipv6Ranges", []):
            yield (*key, source["CidrIpv6"])


def permissions(rules):
    return [
        {
            "IpProtocol": protocol,
            "FromPort": first,
            "ToPort": last,
            **(
                {"Ipv6Ranges": [{"CidrIpv6": source}]}
                if ":" in source
                else {"IpRanges": [{"CidrIp": source}]}
            ),
        }
        for protocol, first, last, source in sorted(rules)
    ]


def line(context, kind, **more):
    print(json.dumps({"event": kind, **context, **more}), flush=True)


def report(context, token, group, compliance, annotation, at):
    evaluation = {
        "ComplianceResourceType": "AWS::EC2::SecurityGroup",
        "ComplianceResourceId": group,
        "ComplianceType": compliance,
        "Annotation": annotation[:256],
        "OrderingTimestamp": at,
    }
    failed = SERVICE.put_evaluations(ResultToken=token, Evaluations=[evaluation])["FailedEvaluations"]
    if failed:
        raise RuntimeError(f"not accepted: {failed}")
    line(context, "evaluated", resource_id=group, compliance=compliance, annotation=annotation)
    print(f"reported {group} {compliance}: {annotation}", flush=True)


def write(context, verb, call, group, rules):
    if rules:
        call(GroupId=group, IpPermissions=permissions(rules))
        line(context, "written", group=group, write=verb, direction="inbound", rules=sorted(rules))


def metrics(context, event, latency):
    counts = {"Detected": 1, "Healed": 1, "Contested": 0, "Failed": 0, "NotificationsFailed": 0}
    names = [{"Name": name, "Unit": "Count"} for name in counts]
    names.append({"Name": "HealLatency", "Unit": "Milliseconds"})
    dimensions = {
        "Rule": event["configRuleName"],
        "Account": event["accountId"],
        "Region": os.environ["AWS_REGION"],
    }
    directive = {"Namespace": "DriftLab", "Dimensions": [list(dimensions)], "Metrics": names}
    aws = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({**dimensions, **counts, "HealLatency": [latency], **context, "_aws": aws}), flush=True)


def handler(event, request_id):
    item = json.loads(event["invokingEvent"])["configurationItem"]
    json.loads(event["ruleParameters"])
    group, token, seen = item["resourceId"], event["resultToken"], time.time()
    captured = item["configurationItemCaptureTime"]
    context = {
        "correlation": f"{event['configRuleId']}/{group}/{captured}",
        "request_id": request_id,
        "rule": event["configRuleName"],
    }
    live = set(atoms(EC2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]))
    revoke, authorize = live - BASELINE, BASELINE - live
    if not revoke and not authorize:
        report(context, token, group, "COMPLIANT", "Permissions are correct.", seen)
        return
    for rule in sorted(revoke):
        print(f"revoking for {group} port {rule[1]}", flush=True)
    for rule in sorted(authorize):
        print(f"authorizing for {group} port {rule[1]}", flush=True)
    words = "Permissions were modified."
    if revoke:
        words += f" {len(revoke)} new revocation(s)."
    if authorize:
        words += f" {len(authorize)} new authorization(s)."
    jobs = [
        POOL.submit(report, context, token, group, "NON_COMPLIANT", words, seen),
        POOL.submit(write, context, "revoke", EC2.revoke_security_group_ingress, group, revoke),
        POOL.submit(write, context, "authorize", EC2.authorize_security_group_ingress, group, authorize),
    ]
    for job in jobs:
        job.result()
    report(context, token, group, "COMPLIANT", words, seen + 0.001)
    captured = datetime.fromisoformat(captured.replace("Z", "+00:00")).timestamp()
    metrics(context, event, int((time.time() - captured) * 1000))


def main():
    """The loop of the Runtime API over one connection; Lambda's own Python runtime does the same."""
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    path = "/2018-06-01/runtime/invocation"
    while True:
        api.request("GET", f"{path}/next")
        answer = api.getresponse()
        request_id, event = answer.headers["lambda-runtime-aws-request-id"], json.load(answer)
        answer.read()
        try:
            handler(event, request_id)
            outcome, body = "response", b"null"
        except Exception as error:  # what fails is a function error
            outcome = "error"
            body = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()
        api.request("POST", f"{path}/{request_id}/{outcome}", body)
        api.getresponse().read()


if __name__ == "__main__":
    sys.exit(main())
