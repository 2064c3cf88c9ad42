//! Webhooks of the outside world, as far as there is one: whatever is posted to `/_sandbox/webhooks/<name>` is kept,
//! and answered the way the address says. Functions can reach the sandbox and nothing else, so what they would send
//! to Slack or Teams is looked at here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::budgets::Budgets;
use crate::clock::Timestamp;

/// The purpose of the token in a webhook's address.
pub(crate) const PURPOSE: &str = "webhook";

/// Posts of one webhook that are kept; the oldest goes when one more comes.
pub const CAPACITY: usize = 1_000;
/// Bytes of a body that are kept.
pub const MAX_BODY: usize = 64 * 1024;
/// Webhooks at once.
pub const MAX_WEBHOOKS: usize = 1_000;

/// Something that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Counts the posts of its webhook, from 1.
    pub number: u64,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// The header `Content-Type`; empty when there was none.
    pub content_type: String,
    /// What was posted, as text.
    pub body: String,
    /// The HTTP status that it was answered with.
    pub status: u16,
}

/// Every webhook by its name.
#[derive(Debug)]
pub struct Inbox {
    hooks: Mutex<Hooks>,
    /// Bytes of all posts.
    most: u64,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new(Budgets::default().webhook_bytes.0)
    }
}

#[derive(Debug, Default)]
struct Hooks {
    by_name: BTreeMap<String, Hook>,
    bytes: u64,
    forgotten: u64,
}

#[derive(Debug, Default)]
struct Hook {
    posted: u64,
    posts: VecDeque<Post>,
    bytes: u64,
}

impl Post {
    /// Bytes of memory.
    fn size(&self) -> u64 {
        (size_of::<Self>() + self.content_type.len() + self.body.len()) as u64
    }
}

impl Hook {
    fn forget_oldest(&mut self) -> u64 {
        let bytes = self.posts.pop_front().map_or(0, |post| post.size());
        self.bytes -= bytes;
        bytes
    }
}

impl Inbox {
    /// An empty one that keeps at most `most` bytes.
    pub fn new(most: u64) -> Self {
        Self {
            hooks: Mutex::default(),
            most,
        }
    }

    /// Keeps a post, and numbers it. `false` where there are too many webhooks already.
    pub fn keep(&self, name: &str, mut post: Post) -> bool {
        let mut hooks = self.lock();
        let hooks = &mut *hooks;
        if !hooks.by_name.contains_key(name) && hooks.by_name.len() >= MAX_WEBHOOKS {
            return false;
        }
        let hook = hooks.by_name.entry(name.to_owned()).or_default();
        hook.posted += 1;
        post.number = hook.posted;
        if hook.posts.len() >= CAPACITY {
            hooks.bytes -= hook.forget_oldest();
            hooks.forgotten += 1;
        }
        hooks.bytes += post.size();
        hook.bytes += post.size();
        hook.posts.push_back(post);
        while hooks.bytes > self.most {
            let loudest = hooks.by_name.values_mut().max_by_key(|hook| hook.bytes);
            let Some(hook) = loudest.filter(|hook| !hook.posts.is_empty()) else {
                break;
            };
            hooks.bytes -= hook.forget_oldest();
            hooks.forgotten += 1;
        }
        true
    }

    /// Bytes of all posts, and how many posts were forgotten.
    pub fn size(&self) -> (u64, u64) {
        let hooks = self.lock();
        (hooks.bytes, hooks.forgotten)
    }

    /// What was posted to a webhook, oldest first.
    pub fn posts(&self, name: &str) -> Vec<Post> {
        let hooks = self.lock();
        let hook = hooks.by_name.get(name);
        hook.map_or_else(Vec::new, |hook| hook.posts.iter().cloned().collect())
    }

    /// Forgets a webhook; answers how many posts it had kept.
    pub fn forget(&self, name: &str) -> usize {
        let mut hooks = self.lock();
        let Some(hook) = hooks.by_name.remove(name) else {
            return 0;
        };
        hooks.bytes -= hook.bytes;
        hook.posts.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Hooks> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::admin;
    use crate::protocol::HttpRequest;
    use crate::sandbox::{Sandbox, Settings};
    use http::{HeaderMap, Method};
    use http_body_util::BodyExt as _;
    use serde_json::Value;
    use std::sync::Arc;
    use std::time::Duration;

    async fn send(sandbox: &Arc<Sandbox>, method: Method, path: &str, body: &str) -> (u16, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let request = HttpRequest {
            method,
            path: format!("/_sandbox/{path}"),
            query: query.to_owned(),
            headers,
            body: body.to_owned().into(),
        };
        let answer = admin::answer(sandbox, path, &request).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn what_is_posted_is_kept_and_answered_as_asked() {
        let sandbox = Sandbox::start(Settings::default());
        let hook = |path: &'static str| send(&sandbox, Method::POST, path, r#"{"text":"hello"}"#);
        assert_eq!(hook("webhooks/w").await, (200, "ok".to_owned()));
        assert_eq!(hook("webhooks/w?status=500").await.0, 500);
        for bad in ["webhooks/w?colour=red", "webhooks/w?status=99", "webhooks/"] {
            assert_eq!(hook(bad).await.0, 400, "{bad}");
        }
        let (_, listed) = send(&sandbox, Method::GET, "webhooks/w", "").await;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let posts = listed["posts"].as_array().unwrap();
        assert_eq!(posts.len(), 2);
        assert_eq!(posts[1]["status"], 500);
        assert_eq!(posts[0]["body"], r#"{"text":"hello"}"#);
        assert_eq!(posts[0]["content_type"], "application/json");
        let (_, forgotten) = send(&sandbox, Method::DELETE, "webhooks/w", "").await;
        assert_eq!(forgotten, r#"{"forgotten":2}"#);
        let (_, listed) = send(&sandbox, Method::GET, "webhooks/w", "").await;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed["posts"], serde_json::json!([]));
    }

    #[tokio::test]
    async fn a_webhook_hangs_by_the_sandboxs_clock() {
        let sandbox = Sandbox::start(Settings::default());
        sandbox.clock.freeze();
        let waiting = tokio::spawn({
            let sandbox = sandbox.clone();
            async move { send(&sandbox, Method::POST, "webhooks/w?hold_ms=60000", "x").await }
        });
        while sandbox.webhooks.posts("w").is_empty() {
            tokio::task::yield_now().await;
        }
        sandbox.clock.advance(Duration::from_millis(59_999));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        sandbox.clock.advance(Duration::from_millis(1));
        assert_eq!(waiting.await.unwrap().0, 200);
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let inbox = Inbox::default();
        let post = |body: usize| Post {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            content_type: String::new(),
            body: body.to_string(),
            status: 200,
        };
        for number in 0..CAPACITY + 2 {
            assert!(inbox.keep("w", post(number)));
        }
        let posts = inbox.posts("w");
        assert_eq!((posts.len(), posts[0].number), (CAPACITY, 3));
        for name in 1..MAX_WEBHOOKS {
            assert!(inbox.keep(&name.to_string(), post(0)));
        }
        assert!(!inbox.keep("one more", post(0)));
        let (bytes, forgotten) = inbox.size();
        assert_eq!(forgotten, 2);
        inbox.forget("w");
        assert!(inbox.size().0 < bytes);
    }

    #[test]
    fn bytes_over_the_budget_are_forgotten_from_the_loudest_webhook() {
        let post = Post {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            content_type: String::new(),
            body: "x".repeat(1_000),
            status: 200,
        };
        let inbox = Inbox::new(10 * post.size());
        assert!(inbox.keep("quiet", post.clone()));
        for _ in 0..50 {
            assert!(inbox.keep("loud", post.clone()));
        }
        assert_eq!(inbox.size(), (10 * post.size(), 41));
        assert_eq!(
            (inbox.posts("quiet").len(), inbox.posts("loud").len()),
            (1, 9)
        );
    }
}
