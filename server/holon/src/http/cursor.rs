//! Opaque cursors of lists. They carry nothing that the caller could not ask for anyway, so they are not signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holon_model::{Code, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where a list goes on, as text.
pub fn encode<T: Serialize>(position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// Reads a cursor back.
///
/// # Errors
/// `invalid_request` when it is not one of ours.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let wrong = || {
        Problem::new(
            Code::InvalidRequest,
            "The cursor is not one that this list gave out. Leave it away to begin at the start.",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        let text = encode(&(42_i64, "name"));
        assert_eq!(decode::<(i64, String)>(&text).unwrap(), (42, "name".to_owned()));
        for bad in ["", "!", "AAAA", &text[1..]] {
            assert_eq!(decode::<(i64, String)>(bad).unwrap_err().code, Code::InvalidRequest, "{bad}");
        }
    }
}
