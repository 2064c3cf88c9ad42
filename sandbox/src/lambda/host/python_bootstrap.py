"""Runs a Python function: fetches events from the Runtime API, calls the handler, posts what comes of it.

Error types and documents are those of AWS's own runtime. Arguments: directories to import from when
nothing else has a module, which is where this machine keeps boto3.
"""

import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback

API = "/2018-06-01/runtime/"


class Fault(Exception):
    """Something that the runtime, not the function, has to say."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, list(trace)


class Api:
    """One connection to the Runtime API, opened again when it was closed."""

    def __init__(self, address):
        self.address, self.connection = address, None

    def ask(self, method, path, body=None, headers=None):
        for fresh in (False, True):
            if self.connection is None:
                fresh = True
                self.connection = http.client.HTTPConnection(self.address)
            try:
                self.connection.request(method, API + path, body, headers or {})
                answer = self.connection.getresponse()
                return answer, answer.read()
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if fresh:
                    raise

    def post_error(self, path, document):
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Function-Error-Type": document["errorType"],
        }
        self.ask("POST", path, json.dumps(document).encode(), headers)


class Context:
    """The handler's second argument."""

    def __init__(self, headers):
        env = os.environ
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = env["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = env["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = env["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = env["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class RequestId(logging.Filter):
    """Gives log records the id of the invocation at work."""

    current = ""

    def filter(self, record):
        record.aws_request_id = RequestId.current
        return True


def set_up_logging():
    handler = logging.StreamHandler(sys.stdout)
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(RequestId())
    logging.getLogger().addHandler(handler)


def load(handler):
    """The function that `module.function` names."""
    try:
        module_name, function_name = handler.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {error}")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        file = (error.filename or "").replace(os.environ["LAMBDA_TASK_ROOT"], "/var/task")
        place = f'  File "{file}" Line {error.lineno}\n    {error.text}'
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, [place])
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message)


def own_frames(error):
    """The trace of an exception without the frames of this file."""
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if frame.filename != "<string>" and "importlib" not in frame.filename]
    # On AWS the code is always in the same place.
    task_root = os.environ["LAMBDA_TASK_ROOT"]
    return [line.replace(task_root, "/var/task") for line in traceback.format_list(frames)]


def document(error, request_id):
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        kind, message, trace = type(error).__name__, str(error), own_frames(error)
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def print_error(what):
    lines = [f"[ERROR] {what['errorType']}: {what['errorMessage']}", "Traceback (most recent call last):"]
    lines += [part.rstrip("\n") for part in what["stackTrace"]]
    # Carriage returns keep it one event in the log.
    print("\n".join(lines).replace("\n", "\r"), flush=True)


def plain(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def serve(api, handler):
    answer, body = api.ask("GET", "invocation/next")
    context = Context(answer.headers)
    RequestId.current = request_id = context.aws_request_id
    os.environ["_X_AMZN_TRACE_ID"] = answer.headers.get("Lambda-Runtime-Trace-Id", "")
    try:
        try:
            event = json.loads(body)
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}")
        result = handler(event, context)
        try:
            result = json.dumps(result, ensure_ascii=False, default=plain).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}")
    except Exception as error:
        what = document(error, request_id)
        print_error(what)
        api.post_error(f"invocation/{request_id}/error", what)
        return
    sys.stdout.flush()
    sys.stderr.flush()
    api.ask("POST", f"invocation/{request_id}/response", result, {"Content-Type": "application/json"})


def main():
    places = sys.argv[1:]
    del sys.argv[1:]
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.path.extend(place for place in places if place and place not in sys.path)
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    set_up_logging()
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:
        what = document(error, "")
        print_error(what)
        api.post_error("init/error", what)
        sys.exit(1)
    while True:
        serve(api, handler)


main()
