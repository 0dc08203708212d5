//! Personal API tokens: the port and its REST client.

use holon_model::TokenId;
use holon_model::wire::Page;
use holon_model::wire::tokens::{CreateToken, CreatedToken, Token};

use crate::ports::PortFuture;
use crate::rest::{Ask, Rest};

/// What pages read about tokens: never a token itself.
pub trait TokensPort: Send + Sync {
    /// The person's tokens, the newest first.
    fn list(&self) -> PortFuture<Page<Token>>;
}

impl TokensPort for Rest {
    fn list(&self) -> PortFuture<Page<Token>> {
        Ask::get("/tokens").read()
    }
}

/// Makes a token; the answer is the only time it is shown.
pub fn create(body: &CreateToken) -> PortFuture<CreatedToken> {
    Ask::post("/tokens").json(body).read()
}

/// Revokes a token at once.
pub fn revoke(id: TokenId) -> PortFuture<()> {
    Ask::delete(format!("/tokens/{id}")).done()
}
