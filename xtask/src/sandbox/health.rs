//! Asks a sandbox whether it is the one that it is thought to be.

use std::io;

use serde::Deserialize;

use super::{Sandbox, http};

#[derive(Deserialize)]
struct Health {
    instance: String,
}

/// Whether `sandbox` is alive, under its own name.
pub(crate) fn is_alive(sandbox: &Sandbox) -> bool {
    instance_at(&sandbox.endpoint).is_ok_and(|instance| instance == sandbox.instance)
}

/// The name of the sandbox at `endpoint`.
fn instance_at(endpoint: &str) -> io::Result<String> {
    let answer = http::get(endpoint, "/_sandbox/health", None)?;
    if answer.status != 200 {
        return Err(io::Error::other("the answer is not 200"));
    }
    serde_json::from_str::<Health>(&answer.body)
        .map(|health| health.instance)
        .map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn check(answer: &'static str, expect: bool) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // To the end of the request: closing with some of it unread would reset the connection under the answer.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut more = [0; 512];
                let read = stream.read(&mut more).unwrap();
                assert!(read > 0, "the request has no end");
                request.extend_from_slice(&more[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request).into_owned()
        });
        let alive = is_alive(&Sandbox {
            endpoint,
            pid: 1,
            instance: "mine".to_owned(),
            state_file: "/nowhere".into(),
        });
        assert!(server.join().unwrap().starts_with("GET /_sandbox/health "));
        assert_eq!(alive, expect);
    }

    #[test]
    fn only_the_same_instance_counts_as_alive() {
        check(
            "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"ok\",\"instance\":\"mine\",\"version\":\"0\"}",
            true,
        );
        check(
            "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"ok\",\"instance\":\"another\",\"version\":\"0\"}",
            false,
        );
        check(
            "HTTP/1.0 404 Not Found\r\n\r\n{\"instance\":\"mine\"}",
            false,
        );
        check("220 a mail server\r\n", false);
    }

    #[test]
    fn nothing_on_the_port_is_not_alive() {
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(!is_alive(&Sandbox {
            endpoint: format!("http://{free}"),
            pid: 1,
            instance: "mine".to_owned(),
            state_file: "/nowhere".into(),
        }));
    }
}
