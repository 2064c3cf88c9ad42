//! What calls need that are to succeed: a role that functions may take on, and a topic.

use conformance::raw::Http;
use conformance::signing::Keys;
use serde_json::json;

/// Makes the role `R`.
pub(crate) async fn role(http: &Http, keys: &Keys) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    let trust = trust.to_string();
    let form = [
        ("Action", "CreateRole"),
        ("RoleName", "R"),
        ("AssumeRolePolicyDocument", &trust),
    ];
    make(http, keys, "iam", &form).await;
}

/// Makes the topic `t`.
pub(crate) async fn topic(http: &Http, keys: &Keys) {
    make(
        http,
        keys,
        "sns",
        &[("Action", "CreateTopic"), ("Name", "t")],
    )
    .await;
}

async fn make(http: &Http, keys: &Keys, service: &str, form: &[(&str, &str)]) {
    let form: Vec<(String, String)> = form
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let (status, answer) = http.query(keys, service, &form).await;
    assert_eq!(status, 200, "{service}: {answer}");
}
