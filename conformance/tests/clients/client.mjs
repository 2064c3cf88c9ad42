// The SDK for JavaScript as its users have it: everything comes from the environment.
import { Readable } from "node:stream";
import { CloudFormationClient, CreateStackCommand } from "@aws-sdk/client-cloudformation";
import { DescribeVpcsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [bucket, data] = process.argv.slice(2);
const s3 = new S3Client();
const at = (key) => ({ Bucket: bucket, Key: `javascript/${key}` });

function check(condition, what) {
  if (!condition) throw new Error(what);
}

async function send(method, url, body) {
  const answer = await fetch(url, { method, body });
  const text = await answer.text();
  check(answer.ok, `${method} ${url}: ${answer.status} ${text}`);
  return text;
}

await s3.send(new PutObjectCommand({ ...at("put"), Body: data }));
const stream = Readable.from([Buffer.from(data)]);
await s3.send(new PutObjectCommand({ ...at("stream"), Body: stream, ContentLength: Buffer.byteLength(data) }));
await new Upload({ client: s3, params: { ...at("upload"), Body: Readable.from([Buffer.from(data)]) } }).done();
const got = await s3.send(new GetObjectCommand(at("stream")));
check((await got.Body.transformToString()) === data, "another object came back");

// The checksum of the body, which is not known yet, would otherwise be signed as that of none, and AWS would refuse the
// upload as well (aws-sdk-js-v3#6994).
const signer = new S3Client({ requestChecksumCalculation: "WHEN_REQUIRED" });
const presigned = at("presigned+é");
await send("PUT", await getSignedUrl(signer, new PutObjectCommand(presigned), { expiresIn: 60 }), data);
check((await send("GET", await getSignedUrl(s3, new GetObjectCommand(presigned), { expiresIn: 60 }))) === data, "another object came back");

const { Vpcs } = await new EC2Client().send(new DescribeVpcsCommand({}));
check(Vpcs.length > 0, "there is no VPC");
const TemplateBody = "Resources: {A: {Type: 'AWS::Logs::LogGroup'}}";
await new CloudFormationClient().send(new CreateStackCommand({ StackName: "javascript", TemplateBody }));
