//! What a function can reach.

use std::io::Write as _;

use serde_json::json;
use tokio::net::TcpListener;

use super::{Lab, client_package};
use crate::lambda::isolation;

#[tokio::test]
async fn a_function_reaches_its_sandbox_and_nothing_else() {
    if let Err(why) = isolation::available() {
        assert_eq!(isolation::name(), "none");
        let _ = writeln!(std::io::stderr(), "not proved on this machine: {why}");
        return;
    }
    assert_eq!(isolation::name(), "landlock");
    let lab = Lab::new().await;
    let front_door = crate::server::bind(&lab.sandbox, 0).await.unwrap();
    let neighbour = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (front_door, neighbour) = (
        front_door.local_addr().unwrap().to_string(),
        neighbour.local_addr().unwrap().to_string(),
    );
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    let (_, answer, _) = lab.invoke(json!({"do": "connect", "to": front_door})).await;
    assert_eq!(answer, "connected");
    for refused in [
        json!({"do": "connect", "to": neighbour}),
        json!({"do": "connect", "to": "192.0.2.1:443"}),
        json!({"do": "connect", "to": "[2001:db8::1]:443"}),
        json!({"do": "datagram"}),
        json!({"do": "local"}),
    ] {
        let (failed, answer, _) = lab.invoke(refused.clone()).await;
        assert!(!failed);
        assert_eq!(answer, "PermissionDenied", "{refused}");
    }
    // The sandbox itself is as free as before.
    tokio::net::TcpStream::connect(&neighbour).await.unwrap();
    tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
}
