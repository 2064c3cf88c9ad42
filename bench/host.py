"""What a function meets: Lambda's Runtime API over plain HTTP, and EC2 and Config over TLS, on this machine.

As little Python as possible stands between a request and its answer, and every call is timed here, so that what a
function needs for itself can be told from what it waits for.
"""

import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time

GROUP_ID = re.compile(r"(?:GroupId|GroupId\.1)=(sg-[0-9a-f]+)")
ENTITY = '<Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><return>true</return></Response>'


def authority(directory):
    """An authority of this run alone, and a certificate by it for this machine, both RSA as AWS's are."""
    if not shutil.which("openssl"):
        raise SystemExit("`openssl` is needed: it makes the certificates of this run")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    key = ["-newkey", "rsa:2048", "-nodes", "-sha256"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=one run")
    openssl("req", *key, "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=localhost")
    with open(os.path.join(directory, "host.ext"), "w") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    openssl("x509", "-req", "-in", "host.csr", *by, "-days", "2", "-extfile", "host.ext", "-out", "host.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "host.pem"), os.path.join(directory, "host.key"))
    return os.path.join(directory, "ca.pem"), context


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, answer, context=None):
        super().__init__(("127.0.0.1", 0), Connection)
        self.answer, self.context = answer, context
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            # The handshake takes place in the connection's own thread, with the first read.
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_):
        """A process that was ended has broken its connections, as it should."""

    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        kept = b""
        while True:
            while b"\r\n\r\n" not in kept:
                more = self.request.recv(65536)
                if not more:
                    return
                kept += more
            began = time.perf_counter()
            head, _, body = kept.partition(b"\r\n\r\n")
            found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            length = int(found.group(1)) if found else 0
            while len(body) < length:
                body += self.request.recv(65536)
            kept = body[length:]
            answer = self.server.answer(head.split(b" ", 2), body[:length], began)
            if answer is None:
                return
            status, headers, text, told = answer
            head = f"HTTP/1.1 {status} x\r\ncontent-length: {len(text)}\r\n{headers}\r\n"
            if told:
                # Before the last byte goes out: then the function is at work again.
                told(time.perf_counter())
            self.request.sendall(head.encode() + text)


class Host:
    """The world of one process: nobody else hears what is meant for it."""

    def __init__(self, context):
        self.delay, self.ports, self.calls = 0.0, [], []
        self.event, self.outcome, self.ready, self.over = None, None, False, False
        self.changed = threading.Condition()
        self.runtime, self.aws = Server(self.of_runtime), Server(self.of_aws, context)

    def of_runtime(self, head, body, _began):
        path = head[1].decode()
        if not path.endswith("/next"):
            with self.changed:
                self.outcome = path.rsplit("/", 1)[1], body, time.perf_counter()
                self.changed.notify_all()
            return 202, "", b"{}", None
        with self.changed:
            self.ready = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.event or self.over)
            if self.over:
                return None
            event, self.event = self.event, None
        deadline = int((time.time() + 60) * 1000)
        headers = (
            f"lambda-runtime-aws-request-id: r\r\nlambda-runtime-deadline-ms: {deadline}\r\n"
            "lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n"
        )
        return 200, headers, event, None

    def of_aws(self, head, body, began):
        if head[0] != b"POST":
            return 404, "", b"", None  # a connection that is opened ahead
        text = body.decode()
        answer = self.answer(text).encode()
        pause = began + self.delay - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        return 200, "", answer, lambda ended: self.calls.append((began, ended))

    def answer(self, body):
        if body.startswith("{"):
            return '{"FailedEvaluations":[]}'
        if "Action=DescribeSecurityGroups" not in body:
            return ENTITY
        group = GROUP_ID.search(body).group(1)
        rules = "".join(
            f"<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort><groups/>"
            "<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/></item>"
            for port in self.ports
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>'
            f"<securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>{group}</groupId><groupName>LabSG1</groupName>"
            "<groupDescription>a group</groupDescription><vpcId>vpc-0123456789abcdef0</vpcId>"
            f"<ipPermissions>{rules}</ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges>"
            "<item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/></item></ipPermissionsEgress>"
            "<tagSet><item><key>Name</key><value>LabSG1</value></item></tagSet></item></securityGroupInfo>"
            "</DescribeSecurityGroupsResponse>"
        )

    def until_ready(self):
        with self.changed:
            if not self.changed.wait_for(lambda: self.ready, 60):
                raise SystemExit("the function does not get ready")

    def invoke(self, event, ports, delay):
        """One event: seconds until its answer, seconds of them in which no call was out, and the calls' times."""
        with self.changed:
            self.delay, self.ports, self.calls = delay, ports, []
            self.event, self.outcome = json.dumps(event).encode(), None
            start = time.perf_counter()
            self.changed.notify_all()
            if not self.changed.wait_for(lambda: self.outcome, 60):
                raise SystemExit("the function does not answer")
        verdict, body, end = self.outcome
        if verdict != "response":
            raise SystemExit(f"the function failed: {body.decode()}")
        calls = sorted(self.calls)
        away, until = 0.0, start
        for began, ended in calls:
            away += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return end - start, end - start - away, calls

    def close(self):
        with self.changed:
            self.over = True
            self.changed.notify_all()
        for server in (self.runtime, self.aws):
            server.shutdown()
            server.server_close()


def most_at_once(calls):
    """How many calls were out at the widest moment."""
    return max(sum(began <= moment < ended for began, ended in calls) for moment, _ in calls)
