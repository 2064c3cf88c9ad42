//! The verifier against AWS's own signer and AWS's published examples, and each way to be wrong.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod chunked;
mod dates;
mod examples;
mod gateway;
mod legacy;
mod random;
mod wrong;

use http::Method;

use super::signing::{Signer, request, set};
use super::{Clocks, Refusal, Scope, verify};
use crate::caller::{Caller, Credentials, KeyRing};
use crate::clock::Timestamp;
use crate::ids::AccountId;
use crate::protocol::HttpRequest;
use crate::secret::Secret;
use crate::service::Service;

const ACCOUNT: &str = crate::testing::ACCOUNT;

/// A key ring, and the moment at which all of a test happens.
struct Bench {
    keys: KeyRing,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self {
            keys: KeyRing::new(Secret::random()),
            // Whole seconds, as signatures have them.
            now: Timestamp::from_unix_timestamp(1_794_990_400).unwrap(),
        }
    }

    fn operator(&self) -> Credentials {
        self.keys.operator(&AccountId::parse(ACCOUNT).unwrap())
    }

    /// A client that is the operator.
    fn client(&self, service: &str) -> Signer {
        Signer::new(self.operator(), service).at(self.now)
    }

    fn verify(&self, request: &HttpRequest) -> Result<Caller, Refusal> {
        let clocks = Clocks {
            machine: self.now,
            sandbox: self.now,
        };
        self.verify_at(clocks, request)
    }

    fn verify_at(&self, clocks: Clocks, request: &HttpRequest) -> Result<Caller, Refusal> {
        let scope = Scope::of(request)?;
        let service = Service::from_signing_name(&scope.service).unwrap();
        let who = verify(&self.keys, clocks, service, &scope, request);
        who.map(|(_, caller)| caller)
    }
}

/// A small call of a service that speaks the query protocol.
fn query_call() -> HttpRequest {
    let mut call = request(
        Method::POST,
        "/",
        "",
        "Action=GetCallerIdentity&Version=2011-06-15",
    );
    set(
        &mut call,
        "content-type",
        "application/x-www-form-urlencoded",
    );
    call
}
