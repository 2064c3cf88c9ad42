"""The peer of the benchmark: the same remediation in Python, written as a careful person would.

Clients are made once, at import, with retries as ours has them. One read; then revoke, authorize and the first
report at the same time, on connections of their own; then the last report. A clean group: one read, one report.
"""

import json
import os
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

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


def report(token, group, compliance, annotation, at):
    SERVICE.put_evaluations(
        ResultToken=token,
        Evaluations=[
            {
                "ComplianceResourceType": "AWS::EC2::SecurityGroup",
                "ComplianceResourceId": group,
                "ComplianceType": compliance,
                "Annotation": annotation[:256],
                "OrderingTimestamp": at,
            }
        ],
    )
    print(f"reported {group} {compliance}: {annotation}", flush=True)


def handler(event):
    item = json.loads(event["invokingEvent"])["configurationItem"]
    group, token, seen = item["resourceId"], event["resultToken"], time.time()
    live = set(atoms(EC2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]))
    revoke, authorize = live - BASELINE, BASELINE - live
    if not revoke and not authorize:
        report(token, group, "COMPLIANT", "Permissions are correct.", seen)
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
    jobs = [POOL.submit(report, token, group, "NON_COMPLIANT", words, seen)]
    if revoke:
        jobs.append(
            POOL.submit(EC2.revoke_security_group_ingress, GroupId=group, IpPermissions=permissions(revoke))
        )
    if authorize:
        jobs.append(
            POOL.submit(
                EC2.authorize_security_group_ingress, GroupId=group, IpPermissions=permissions(authorize)
            )
        )
    for job in jobs:
        job.result()
    report(token, group, "COMPLIANT", words, seen + 0.001)


def main():
    """The loop of the Runtime API; Lambda's own Python runtime does the same."""
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    while True:
        with urllib.request.urlopen(f"{api}/next") as answer:
            request_id, event = answer.headers["lambda-runtime-aws-request-id"], json.load(answer)
        try:
            handler(event)
            path, body = "response", b"null"
        except Exception as error:  # what fails is a function error
            path, body = "error", json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{api}/{request_id}/{path}", data=body)).read()


if __name__ == "__main__":
    sys.exit(main())
