//! An HTTP server that gives scripted replies and remembers what it was asked.
#![expect(
    clippy::unwrap_used,
    reason = "test support may stop at the first surprise"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answer with status, extra headers and body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Read the request, then close the connection: the answer is lost.
    Close,
    /// Read the request and never answer.
    Hang,
}

impl Reply {
    pub fn ok(body: impl Into<String>) -> Self {
        Self::Answer(200, vec![], body.into())
    }

    /// An error as EC2 writes it.
    pub fn ec2_error(status: u16, code: &str) -> Self {
        Self::Answer(
            status,
            vec![],
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>{code}</Code><Message>words</Message></Error></Errors><RequestID>req-1</RequestID></Response>"
            ),
        )
    }
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    requests: Vec<Request>,
    connections: usize,
    to_close: usize,
}

/// The server; lives as long as the test's runtime.
#[derive(Debug, Clone)]
pub struct Stub {
    state: Arc<Mutex<State>>,
    pub url: String,
}

impl Stub {
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            script: script.into_iter().collect(),
            ..State::default()
        };
        let stub = Self {
            state: Arc::new(Mutex::new(state)),
            url,
        };
        let server = stub.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut state = server.state.lock().unwrap();
                state.connections += 1;
                if state.to_close > 0 {
                    state.to_close -= 1;
                } else {
                    tokio::spawn(server.clone().serve(stream));
                }
            }
        });
        stub
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// Closes so many of the next connections before anything is sent.
    pub fn close_next(&self, count: usize) {
        self.state.lock().unwrap().to_close = count;
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await {
            let reply = {
                let mut state = self.state.lock().unwrap();
                state.requests.push(request);
                state.script.pop_front()
            };
            match reply {
                Some(Reply::Answer(status, headers, body)) => {
                    let mut head =
                        format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
                    for (name, value) in headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    let answer = format!("{head}\r\n{body}");
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
                Some(Reply::Hang) => std::future::pending().await,
                // A request beyond the script is answered like a lost one; counting finds it.
                Some(Reply::Close) | None => return,
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let method = line.split(' ').next()?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request {
        method,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
