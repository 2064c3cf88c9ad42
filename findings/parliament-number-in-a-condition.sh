#!/usr/bin/env bash
# parliament 1.6.4 (Python), a linter of IAM policies.
#
# Input: a policy whose condition compares a number, written as a JSON number: {"NumericLessThan": {"aws:MultiFactorAuthAge": 300}}.
# Seen: `analyze_policy_string` raises TypeError ("expected string or bytes-like object, got 'int'") and gives no findings at all;
#   the same policy with "300" in quotes is analysed without a finding. A Boolean without quotes is read.
# Expected: both are read. The grammar of the IAM JSON policy language names strings, numbers and Booleans as values of conditions
#   and says that their quotes may be left out (IAM User Guide, "Grammar of the IAM JSON policy language").
#
# Exits with 1 when the behaviour is another one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'setuptools<81' 'parliament==1.6.4'
"$work/venv/bin/python" - <<'PY'
import importlib.metadata
import json
import sys
import warnings

warnings.simplefilter("ignore")
import parliament

print("parliament", importlib.metadata.version("parliament"), "python", sys.version.split()[0])


def analyse(operator, key, value):
    statement = {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "Condition": {operator: {key: value}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    try:
        seen = [finding.issue for finding in parliament.analyze_policy_string(document).findings]
    except TypeError as error:
        seen = f"TypeError: {error}"
    print(f"{operator} {json.dumps(value)}: {seen}")
    return seen


text = analyse("NumericLessThan", "aws:MultiFactorAuthAge", "300")
number = analyse("NumericLessThan", "aws:MultiFactorAuthAge", 300)
boolean = analyse("Bool", "aws:SecureTransport", True)
as_seen = text == [] and boolean == [] and str(number).startswith("TypeError")
sys.exit(0 if as_seen else 1)
PY
