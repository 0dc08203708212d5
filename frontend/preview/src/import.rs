//! Config made of a pasted text by a kind that can read such texts.

use holon_flow::capability::Imported;
use holon_studio::worker::ImportReply;

/// Reads the text.
pub(crate) fn import(kind: &str, text: &str) -> Result<ImportReply, String> {
    let reference = kind.parse().map_err(str::to_owned)?;
    let catalogue = holon_catalogue::catalogue();
    let kind = catalogue.get(&reference).ok_or_else(|| format!("There is no kind `{kind}`."))?;
    let read = kind
        .import
        .as_ref()
        .and_then(|import| import.read)
        .ok_or_else(|| format!("{} is not filled by pasting.", kind.title))?;
    match read(text) {
        Some(Ok(Imported { config, left_out })) => Ok(ImportReply { config, left_out }),
        Some(Err(message)) => Err(message),
        None => Err("The text is not of the form that is expected here.".into()),
    }
}
