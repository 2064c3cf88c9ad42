"""boto3 as its users have it: everything comes from the environment."""

import http.client
import io
import sys
import urllib.parse

import boto3
import botocore.config

bucket, data = sys.argv[1], sys.argv[2].encode()


def send(method, url, body=None):
    """Not by `urllib.request`: it adds a `Content-Type`, which version 2 signs, so that S3 refuses it on AWS as well."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, f"{method} {url}: {answer.status} {content}"
    return content


class Stream(io.RawIOBase):
    """Bytes that can be read once."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.content.readinto(buffer)


s3 = boto3.client("s3")
s3.put_object(Bucket=bucket, Key="boto3/put", Body=data)
s3.upload_fileobj(io.BytesIO(data), bucket, "boto3/upload_fileobj")
s3.upload_fileobj(Stream(data), bucket, "boto3/stream")
assert s3.get_object(Bucket=bucket, Key="boto3/put")["Body"].read() == data

# What a client signs with unless it is told otherwise, and both versions by name.
for version in (None, "s3", "s3v4"):
    config = botocore.config.Config(signature_version=version) if version else None
    client = boto3.client("s3", config=config)
    where = {"Bucket": bucket, "Key": f"boto3/presigned {version}+é"}
    send("PUT", client.generate_presigned_url("put_object", where), data)
    assert send("GET", client.generate_presigned_url("get_object", where)) == data

assert boto3.client("sts").get_caller_identity()["Account"]
assert boto3.client("ec2").describe_vpcs()["Vpcs"]
template = "Resources: {A: {Type: 'AWS::Logs::LogGroup'}}"
boto3.client("cloudformation").create_stack(StackName="boto3", TemplateBody=template)
