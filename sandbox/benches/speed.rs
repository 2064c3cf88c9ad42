//! How fast the sandbox is, from outside: `cargo bench -p sandbox`, or with `--profile dev` as the lab builds it.
//!
//! The process is started, called over HTTP and watched as a client would. Medians go to standard output as Markdown.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

#[path = "../tests/process/mod.rs"]
mod process;

use process::Sandbox;

fn main() {
    println!("| what | median | slowest | runs |\n| --- | ---: | ---: | ---: |");
    report("start until the endpoint is printed", starts(20));
    let (groups, described) = thousand_groups(30);
    report("`CreateSecurityGroup`, one of 1,000", groups);
    report("`DescribeSecurityGroups`, 1,000 groups", described);
    verification(2_000);
    println!("\n| stacks | created ms | deleted ms | memory MiB |\n| ---: | ---: | ---: | ---: |");
    for count in [10, 25, 50, 100, 200] {
        let (created, deleted, memory) = stacks(count);
        println!(
            "| {count} | {} | {} | {memory:.1} |",
            created.as_millis(),
            deleted.as_millis()
        );
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let shown = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1_000.0);
    println!(
        "| {what} | {} | {} | {} |",
        shown(times[times.len() / 2]),
        shown(times[times.len() - 1]),
        times.len()
    );
}

impl Sandbox {
    /// Resident memory.
    fn mebibytes(&self) -> f64 {
        let pid = self.process.id().to_string();
        let output = Command::new("ps").args(["-o", "rss=", "-p", &pid]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.trim().parse::<f64>().unwrap() / 1024.0
    }

    fn client(&self) -> Client<'_> {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            sandbox: self,
            stream: BufReader::new(stream),
        }
    }
}

/// One kept connection.
struct Client<'s> {
    sandbox: &'s Sandbox,
    stream: BufReader<TcpStream>,
}

impl Client<'_> {
    /// A signed call; to sign takes longer than to verify, so it is done before the time is taken.
    fn prepare(&self, account: &str, service: &str, form: &[(&str, &str)]) -> String {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.sandbox.signed(account, service, "/", &kind, &body)
    }

    fn query(&mut self, account: &str, service: &str, form: &[(&str, &str)]) -> (u16, String) {
        let request = self.prepare(account, service, form);
        self.send(&request)
    }

    fn send(&mut self, request: &str) -> (u16, String) {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut status, mut length) = (String::new(), 0, 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let header = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = header.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = header.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            } else if header.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// A call that succeeds, and the time from its first byte to the last of its answer.
    fn timed(&mut self, account: &str, service: &str, form: &[(&str, &str)]) -> (Duration, String) {
        let request = self.prepare(account, service, form);
        let begin = Instant::now();
        let (status, body) = self.send(&request);
        let took = begin.elapsed();
        assert_eq!(status, 200, "{form:?}: {body}");
        (took, body)
    }

    fn ok(&mut self, account: &str, service: &str, form: &[(&str, &str)]) -> String {
        let (status, body) = self.query(account, service, form);
        assert_eq!(status, 200, "{form:?}: {body}");
        body
    }
}

fn starts(runs: usize) -> Vec<Duration> {
    (0..runs)
        .map(|_| {
            let begin = Instant::now();
            let sandbox = Sandbox::start(&[]);
            let took = begin.elapsed();
            drop(sandbox);
            took
        })
        .collect()
}

const ACCOUNT: &str = "123456789012";

fn thousand_groups(runs: usize) -> (Vec<Duration>, Vec<Duration>) {
    let sandbox = Sandbox::start(&[]);
    let mut client = sandbox.client();
    let created = (0..999)
        .map(|number| {
            let name = format!("group-{number}");
            let form = [
                ("Action", "CreateSecurityGroup"),
                ("GroupName", &name),
                ("GroupDescription", "x"),
            ];
            client.timed(ACCOUNT, "ec2", &form).0
        })
        .collect();
    let described = (0..runs)
        .map(|_| {
            let form = [("Action", "DescribeSecurityGroups")];
            let (took, body) = client.timed(ACCOUNT, "ec2", &form);
            assert_eq!(body.matches("<groupName>").count(), 1_000);
            took
        })
        .collect();
    (created, described)
}

/// What it takes to verify a signature: the same small call in turns to a sandbox that does and to one that does not.
fn verification(runs: usize) {
    let sandboxes = [
        Sandbox::start(&[]),
        Sandbox::start_with(&["--no-signatures"], &[]),
    ];
    let mut clients = sandboxes.each_ref().map(Sandbox::client);
    let form = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (client, times) in clients.iter_mut().zip(&mut times) {
            times.push(client.timed(ACCOUNT, "sts", &form).0);
        }
    }
    let [with, without] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e6
    });
    println!(
        "| verifying a signature (`GetCallerIdentity` in {with:.0} µs, {without:.0} µs without) | {:.1} µs | | {runs} |",
        with - without
    );
}

/// A lab-sized stack: network, group, role, topic, log group.
const TEMPLATE: &str = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: the lab
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
  Topic: {Type: AWS::SNS::Topic}
  Logs: {Type: AWS::Logs::LogGroup}
";

/// One stack in each of `count` accounts, all at once: from the first call until the last stack is made, the same for
/// deleting, and the memory in between.
fn stacks(count: u64) -> (Duration, Duration, f64) {
    let sandbox = Sandbox::start(&[]);
    let each = |work: &(dyn Fn(&mut Client<'_>, &str) + Sync)| {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for client in 0..count.min(50) {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    let mut connection = sandbox.client();
                    for number in (client..count).step_by(50) {
                        work(&mut connection, &(100_000_000_000 + number).to_string());
                    }
                });
            }
        });
        begin.elapsed()
    };
    let create = |client: &mut Client<'_>, account: &str| {
        let form = [
            ("Action", "CreateStack"),
            ("StackName", "lab"),
            ("TemplateBody", TEMPLATE),
            ("Capabilities.member.1", "CAPABILITY_IAM"),
        ];
        client.ok(account, "cloudformation", &form);
        until(client, account, |_, body| {
            assert!(!body.contains("ROLLBACK"), "{body}");
            body.contains("CREATE_COMPLETE")
        });
    };
    let created = each(&create);
    let memory = sandbox.mebibytes();
    let deleted = each(&|client, account| {
        let form = [("Action", "DeleteStack"), ("StackName", "lab")];
        client.ok(account, "cloudformation", &form);
        until(client, account, |status, _| status == 400);
    });
    (created, deleted, memory)
}

fn until(client: &mut Client<'_>, account: &str, right: impl Fn(u16, &str) -> bool) {
    let form = [("Action", "DescribeStacks"), ("StackName", "lab")];
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let (status, body) = client.query(account, "cloudformation", &form);
        if right(status, &body) {
            return;
        }
        assert!(Instant::now() < deadline, "{body}");
        std::thread::yield_now();
    }
}
