//! A journal replayed: every row's hash computed again and compared.

use crate::hex;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use holon_engine::{Machine, Stamped, compile_draft, decode_input};
use holon_flow::Definition;
use holon_model::{Value, wire::runs::JournalRow};
use holon_studio::worker::VerifyReply;

/// Replays the journal of the definition.
pub(crate) fn verify(definition: &Value, journal: &[JournalRow]) -> Result<VerifyReply, String> {
    let definition = Definition::from_value(definition).map_err(|_| "the definition cannot be read".to_owned())?;
    let (compiled, _) = compile_draft(&definition, &holon_catalogue::catalogue());
    let mut machine = Machine::new(compiled);
    let mut first_difference = None;
    let mut rows = 0;
    for (expected, row) in (0i64..).zip(journal) {
        if row.seq != expected {
            first_difference = Some((row.seq, format!("row {expected} is missing")));
            break;
        }
        let bytes = STANDARD.decode(&row.input).map_err(|error| format!("row {}: {error}", row.seq))?;
        let input = decode_input(&bytes).map_err(|error| format!("row {}: {error}", row.seq))?;
        machine.handle(Stamped::new(row.at, input));
        rows += 1;
        let computed = hex(&machine.log_hash());
        if computed != row.log_hash {
            first_difference =
                Some((row.seq, format!("this machine computes {computed}, the journal says {}", row.log_hash)));
            break;
        }
    }
    Ok(VerifyReply { ok: first_difference.is_none(), log_hash: hex(&machine.log_hash()), rows, first_difference })
}
