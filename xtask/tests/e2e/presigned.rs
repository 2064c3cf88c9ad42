//! Presigned addresses of objects: what they are good for, and that what they show is no page of the sandbox's origin.

use crate::client::{presigned, query, signed};
use crate::support::{ACCOUNT, Place};

const PAGE: &str = "<script>document.title = 'ran'</script>";

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[test]
fn presigned_upload_and_download_work_and_the_page_does_not_run() {
    let place = Place::new();
    let client = place.client();
    let made = signed(&client, ACCOUNT, "s3", ("PUT", "/pages"), "text/plain", "");
    assert_eq!(made.0, 200, "{made:?}");
    let upload = presigned(&client, ACCOUNT, "PUT", "/pages/index.html");
    let kind = "Content-Type: text/html\r\nCache-Control: max-age=60\r\n";
    let (status, _, body) = client.send("PUT", &upload, kind, PAGE);
    assert_eq!(status, 200, "{body}");

    let download = presigned(&client, ACCOUNT, "GET", "/pages/index.html");
    let (status, head, body) = client.send("GET", &download, "", "");
    assert_eq!((status, body.as_str()), (200, PAGE), "{head}");
    assert_eq!(header(&head, "content-type"), Some("text/html"));
    assert_eq!(header(&head, "cache-control"), Some("max-age=60"));
    assert_eq!(
        header(&head, "content-security-policy"),
        Some("default-src 'none'; sandbox; frame-ancestors 'none'")
    );
    assert_eq!(header(&head, "x-content-type-options"), Some("nosniff"));
    assert_eq!(
        header(&head, "cross-origin-resource-policy"),
        Some("same-origin")
    );
    // Whoever asks may say how the object is to be shown; that changes nothing of the kind.
    let (_, head, _) = client.send(
        "GET",
        &format!("{download}&response-cache-control=x"),
        "",
        "",
    );
    assert!(header(&head, "content-security-policy").is_some(), "{head}");

    for (method, target, headers, reason) in [
        ("POST", &upload, "", "a POST"),
        (
            "OPTIONS",
            &upload,
            "Access-Control-Request-Method: PUT\r\n",
            "preflight",
        ),
        ("PUT", &upload, "Origin: http://evil.example\r\n", "Origin"),
        (
            "GET",
            &download,
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site",
        ),
        (
            "GET",
            &download,
            "Referer: http://evil.example/\r\n",
            "Referer",
        ),
    ] {
        let (status, _, body) = client.send(method, target, headers, "");
        assert_eq!(status, 403, "{method} {headers}: {body}");
        assert!(body.contains(reason), "{method} {headers}: {body}");
    }
    let (_, _, body) = client.send("GET", &download, "", "");
    assert_eq!(body, PAGE);
}

#[test]
fn aws_answers_are_no_pages_either() {
    let place = Place::new();
    let client = place.client();
    let form = "application/x-www-form-urlencoded";
    let json = "application/x-amz-json-1.1";
    for (service, request, kind, body) in [
        (
            "ec2",
            ("POST", "/"),
            form,
            "Action=DescribeVpcs&Version=2016-11-15",
        ),
        (
            "ec2",
            ("POST", "/"),
            form,
            "Action=%3Cscript%3E&Version=2016-11-15",
        ),
        ("config", ("POST", "/"), json, "<script>"),
        ("lambda", ("GET", "/2015-03-31/functions/none"), json, ""),
        ("s3", ("GET", "/none/%3Cscript%3E"), "text/html", ""),
        ("nothing", ("GET", "/"), "text/html", ""),
    ] {
        let (status, head, _) = signed(&client, ACCOUNT, service, request, kind, body);
        let about = format!("{service} {request:?} {status}: {head}");
        let policy = header(&head, "content-security-policy");
        assert!(policy.is_some_and(|it| it.contains("sandbox")), "{about}");
        assert_eq!(
            header(&head, "x-content-type-options"),
            Some("nosniff"),
            "{about}"
        );
        assert_eq!(header(&head, "cache-control"), Some("no-store"), "{about}");
        assert!(
            !head.to_ascii_lowercase().contains("access-control-"),
            "{about}"
        );
        assert!(
            !header(&head, "content-type").unwrap_or("").contains("html"),
            "{about}"
        );
    }
    let (status, body) = query(
        &client,
        ACCOUNT,
        "sts",
        &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")],
    );
    assert_eq!(status, 200, "{body}");
}
