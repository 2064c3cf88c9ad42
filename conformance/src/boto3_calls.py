"""Reads calls as lines of JSON, makes them with boto3, writes what came back as lines of JSON."""

import base64
import datetime
import json
import sys

try:
    import boto3
    import botocore.config
    import botocore.exceptions
except ImportError:
    print(json.dumps({"version": None}))
    sys.exit()

# Each endpoint belongs to one scenario; only the newest one's clients are worth keeping, by service and caller.
clients = {"endpoint": None}
session = boto3.session.Session()


def client(call):
    if clients["endpoint"] != call["endpoint"]:
        clients.clear()
        clients["endpoint"] = call["endpoint"]
    wanted = tuple(call[name] for name in ("service", "access_key_id", "secret_access_key", "session_token"))
    if wanted not in clients:
        clients[wanted] = session.client(
            call["service"],
            endpoint_url=call["endpoint"],
            region_name=call["region"],
            aws_access_key_id=call["access_key_id"],
            aws_secret_access_key=call["secret_access_key"],
            aws_session_token=call["session_token"],
            config=botocore.config.Config(
                # The sandbox is to refuse what is wrong, not the client.
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                read_timeout=30,
            ),
        )
    return clients[wanted]


def incoming(value):
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: incoming(each) for key, each in value.items()}
    if isinstance(value, list):
        return [incoming(each) for each in value]
    return value


def outgoing(value):
    if isinstance(value, dict):
        return {key: outgoing(each) for key, each in value.items() if key != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [outgoing(each) for each in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return {"$bytes": base64.b64encode(value).decode("ascii")}
    return value


def answer(call):
    try:
        made = client(call)
        method = {
            operation: name for name, operation in made.meta.method_to_api_mapping.items()
        }[call["operation"]]
        return {"output": outgoing(getattr(made, method)(**incoming(call["input"])))}
    except botocore.exceptions.ClientError as error:
        told = error.response["Error"]
        return {"code": told.get("Code", ""), "message": told.get("Message", "")}
    except botocore.exceptions.HTTPClientError as error:
        return {"code": "no answer", "message": str(error)}
    except Exception as error:  # Whatever else goes wrong is the test's to judge.
        return {"code": "Python." + type(error).__name__, "message": str(error)}


print(json.dumps({"version": boto3.__version__}))
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
