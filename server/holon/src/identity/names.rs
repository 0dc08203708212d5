//! How those are called who did something: journals and answers name them by id, people know them by name.

use std::collections::{BTreeMap, BTreeSet};

use holon_model::{PersonId, TokenId};
use holon_platform::db::TenantTx;

/// The names of these, by how they are named (`person_…`, `token_…`). Who is not of this workspace, or is no person and no
/// program of one, is not among them.
///
/// # Errors
/// When the database does not answer.
pub async fn of<'a>(
    tx: &mut TenantTx<'_>,
    labels: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let labels: BTreeSet<&str> = labels.collect();
    let people: Vec<_> = labels.iter().filter_map(|label| Some(label.parse::<PersonId>().ok()?.0)).collect();
    let tokens: Vec<_> = labels.iter().filter_map(|label| Some(label.parse::<TokenId>().ok()?.0)).collect();
    let tenant = tx.tenant().0;
    let mut names = BTreeMap::new();
    if !people.is_empty() {
        let rows = sqlx::query!(
            "select person_id, name from member where tenant_id = $1 and person_id = any($2)",
            tenant,
            &people,
        )
        .fetch_all(tx.conn())
        .await?;
        names.extend(rows.into_iter().map(|row| (PersonId(row.person_id).to_string(), row.name)));
    }
    if !tokens.is_empty() {
        let rows = sqlx::query!(
            r#"select k.token_id, k.name, m.name as "person?" from api_token k
               left join member m on m.tenant_id = k.tenant_id and m.person_id = k.person_id
               where k.tenant_id = $1 and k.token_id = any($2)"#,
            tenant,
            &tokens,
        )
        .fetch_all(tx.conn())
        .await?;
        names.extend(rows.into_iter().map(|row| {
            let called = match row.person {
                Some(person) => format!("{person}’s token “{}”", row.name),
                None => format!("The token “{}”", row.name),
            };
            (TokenId(row.token_id).to_string(), called)
        }));
    }
    Ok(names)
}
