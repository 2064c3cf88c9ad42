#!/usr/bin/env bash
# cfn-flip 1.3.0 (Python), which turns CloudFormation templates from JSON to YAML and back.
#
# Input: a template in JSON with {"Fn::GetAtt": ["Topic", {"Ref": "Attribute"}]}.
# Seen: `to_yaml` raises TypeError ("sequence item 1: expected str instance, ODict found"). With `long_form=True` it works, and
#   `to_json` reads the long form in YAML.
# Expected: YAML with the list form of the function. CloudFormation's documentation of Fn::GetAtt lets the attribute's name
#   (not the resource's) be a Ref ("Template Reference Guide", Fn::GetAtt, supported functions).
#
# Exits with 1 when the behaviour is another one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'cfn-flip==1.3.0'
"$work/venv/bin/python" - <<'PY'
import importlib.metadata
import json
import sys

import cfn_flip

print("cfn-flip", importlib.metadata.version("cfn-flip"), "PyYAML", importlib.metadata.version("PyYAML"))
template = {
    "Parameters": {"Attribute": {"Type": "String", "Default": "TopicName"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"O": {"Value": {"Fn::GetAtt": ["Topic", {"Ref": "Attribute"}]}}},
}
text = json.dumps(template)
try:
    short = cfn_flip.to_yaml(text)
except TypeError as error:
    short = f"TypeError: {error}"
print("short form:", short)
long = cfn_flip.to_yaml(text, long_form=True)
print("long form:", long.strip().splitlines()[-3:])
back = json.loads(cfn_flip.to_json(long))
sys.exit(0 if short.startswith("TypeError") and back == template else 1)
PY
