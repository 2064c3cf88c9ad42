#!/usr/bin/env bash
# moto 5.2.3 (Python) with botocore 1.44.8, an emulator of AWS.
#
# Input: EventBridge's TestEventPattern with a valid pattern and a valid event.
# Seen: status 200 and no `Result` member, whether the pattern fits or not: neither an answer nor NotImplementedError, which moto
#   raises for other operations that it does not have. `response["Result"]` is a KeyError in the caller.
# Expected: `Result`, true and false (EventBridge API Reference, TestEventPattern), or the refusal.
#
# Exits with 1 when the behaviour is another one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'moto[events]==5.2.3' 'boto3==1.44.8'
"$work/venv/bin/python" - <<'PY'
import importlib.metadata
import json
import sys

import boto3
from moto import mock_aws

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("moto", "boto3", "botocore")))
event = json.dumps(
    {
        "id": "1",
        "account": "123456789012",
        "source": "aws.ec2",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "d",
        "detail": {},
    }
)
seen = []
with mock_aws():
    client = boto3.client(
        "events", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    for source in ("aws.ec2", "aws.s3"):
        answer = client.test_event_pattern(EventPattern=json.dumps({"source": [source]}), Event=event)
        status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
        print(source, status, answer)
        seen.append((status, "Result" in answer))
sys.exit(0 if seen == [(200, False), (200, False)] else 1)
PY
