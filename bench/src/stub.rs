//! EC2 and AWS Config, as far as a remediation calls them, over TLS. Every call is timed.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use regex_lite::Regex;
use rustls::{ServerConfig, ServerConnection};

use crate::http::{self, Request};

const ENTITY: &str = r#"<Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><return>true</return></Response>"#;

/// From the moment at which all of a request was received to that at which its answer is sent.
pub(crate) type Call = (Instant, Instant);

/// What the calls of one invocation meet, and when they took place.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    /// An answer is sent so long after its request came.
    pub(crate) delay: Duration,
    /// The open ports of any group.
    pub(crate) ports: Vec<u16>,
    pub(crate) calls: Vec<Call>,
}

/// One connection to its end.
pub(crate) fn serve(
    mut tcp: TcpStream,
    tls: Arc<ServerConfig>,
    scene: &Mutex<Scene>,
) -> io::Result<()> {
    let mut tls = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut received = Vec::new();
    while let Some((request, began)) = receive(&mut tcp, &mut tls, &mut received)? {
        let (body, delay) = {
            let scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
            (body(&request, &scene.ports), scene.delay)
        };
        tls.writer()
            .write_all(&http::answer(200, "", body.as_bytes()))?;
        thread::sleep((began + delay).saturating_duration_since(Instant::now()));
        {
            // Before the first byte goes out: then the function is at work again.
            let mut scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
            scene.calls.push((began, Instant::now()));
        }
        send(&mut tcp, &mut tls)?;
    }
    Ok(())
}

/// The next request, and when the last bytes of it came; `None` where there is none. Handshakes take place in here.
fn receive(
    tcp: &mut TcpStream,
    tls: &mut ServerConnection,
    received: &mut Vec<u8>,
) -> io::Result<Option<(Request, Instant)>> {
    loop {
        send(tcp, tls)?;
        if tls.read_tls(tcp)? == 0 {
            return Ok(None);
        }
        let came = Instant::now();
        let state = tls.process_new_packets().map_err(io::Error::other)?;
        let more = state.plaintext_bytes_to_read();
        if more > 0 {
            let known = received.len();
            received.resize(known + more, 0);
            tls.reader().read_exact(&mut received[known..])?;
            if let Some(request) = http::take(received)? {
                return Ok(Some((request, came)));
            }
        }
    }
}

fn send(tcp: &mut TcpStream, tls: &mut ServerConnection) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(tcp)?;
    }
    Ok(())
}

/// What AWS would say.
fn body(request: &Request, ports: &[u16]) -> String {
    static GROUP_ID: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"GroupId(?:\.1)?=(sg-[0-9a-f]+)").ok());
    let text = String::from_utf8_lossy(&request.body);
    if text.starts_with('{') {
        return r#"{"FailedEvaluations":[]}"#.to_owned();
    }
    if !text.contains("Action=DescribeSecurityGroups") {
        return ENTITY.to_owned();
    }
    let found = GROUP_ID
        .as_ref()
        .and_then(|pattern| pattern.captures(&text));
    let group = found.as_ref().map_or("", |found| &found[1]);
    let rules: String = ports
        .iter()
        .map(|port| {
            format!(
                "<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort><groups/>\
                 <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/></item>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <DescribeSecurityGroupsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>{group}</groupId><groupName>LabSG1</groupName>\
         <groupDescription>a group</groupDescription><vpcId>vpc-0123456789abcdef0</vpcId>\
         <ipPermissions>{rules}</ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges>\
         <item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/></item></ipPermissionsEgress>\
         <tagSet><item><key>Name</key><value>LabSG1</value></item></tagSet></item></securityGroupInfo>\
         </DescribeSecurityGroupsResponse>"
    )
}
