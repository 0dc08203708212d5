//! People and sessions: sign-up, sign-in, sign-out, and who a request comes from.

pub mod cookie;
mod error;
mod http;
mod instance;
pub mod names;
mod password_rules;
pub mod port;
pub mod resolve;
mod sign_in;
mod sign_out;
mod sign_up;
mod store;

pub use error::Error;
pub use http::router;
pub use instance::{instance, sign_up_policy};
pub use store::{bind_tenant, forget_sessions};
