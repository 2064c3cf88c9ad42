//! The headers of a request, read once: to look each up in the map costs more than all the rest in a development build.

use crate::protocol::HttpRequest;

/// Names and values in the order in which they were sent.
#[derive(Debug)]
pub(super) struct Sent<'r> {
    headers: Vec<(&'r str, &'r [u8])>,
}

impl<'r> Sent<'r> {
    pub(super) fn of(request: &'r HttpRequest) -> Self {
        let mut headers = Vec::with_capacity(request.headers.len());
        for (name, value) in &request.headers {
            headers.push((name.as_str(), value.as_bytes()));
        }
        Self { headers }
    }

    /// Every value of a header.
    pub(super) fn all(&self, wanted: &str) -> impl Iterator<Item = &'r [u8]> {
        let found = self.headers.iter().filter(move |(name, _)| *name == wanted);
        found.map(|(_, value)| *value)
    }

    /// The first value of a header. One that is no text is there, too, and is nothing that could be right.
    pub(super) fn text(&self, wanted: &str) -> Option<&'r str> {
        let value = self.all(wanted).next()?;
        Some(std::str::from_utf8(value).unwrap_or("\u{fffd}"))
    }

    /// The names, each as often as it was sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &'r str> {
        self.headers.iter().map(|(name, _)| *name)
    }
}
