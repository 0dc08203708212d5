//! A person signs up with a workspace of their own. The first person of an instance becomes its operator.

use axum::http::HeaderMap;
use holon_authz::Role;
use holon_model::context::Actor;
use holon_model::intent::{IntentPayload, Source};
use holon_model::wire::identity::{SignUp, SignUpPolicy};
use holon_model::{Context, EnvironmentId, Intent, PersonId, TenantId, Value};
use holon_platform::clock::mint;
use holon_platform::crypto::{Secret, hash_token};

use super::sign_in::{Grant, grant};
use super::store::{self, NewPerson};
use super::{Error, instance, password_rules};
use crate::audit;
use crate::state::AppState;

/// A workspace is made.
struct MakeWorkspace;

impl IntentPayload for MakeWorkspace {
    const TYPE: &'static str = "workspace.create";
}

/// Makes a person, a workspace and a session.
pub async fn sign_up(state: &AppState, headers: &HeaderMap, body: SignUp) -> Result<Grant, Error> {
    let ask = checked(body)?;
    // Hashed before anything is looked up: the work is the same whether the e-mail is known or not.
    let password_hash = state.passwords.hash(ask.password).await?;
    let now = state.clock.now();
    let (person, tenant, environment): (PersonId, TenantId, EnvironmentId) =
        (mint(&*state.clock), mint(&*state.clock), mint(&*state.clock));

    let mut tx = state.pools.auth.begin().await?;
    store::lock_sign_up(&mut tx).await?;
    let first = !store::anybody(&mut tx).await?;
    let invitation = ask.invitation.as_deref().map(hash_token);
    if !first {
        match instance::sign_up_policy(&mut tx).await? {
            SignUpPolicy::Open => {}
            SignUpPolicy::Closed => return Err(Error::Closed("The operator has closed sign-up on this server.")),
            SignUpPolicy::Invitation => match &invitation {
                None => return Err(Error::Closed("Sign-up here needs an invitation. Ask the operator for a link.")),
                Some(hash) if store::use_invitation(&mut tx, hash, now).await? => {}
                Some(_) => {
                    return Err(Error::Closed("This invitation was used or is over. Ask the operator for a new link."));
                }
            },
        }
    }
    store::bind_tenant(&mut tx, tenant).await?;
    let new = NewPerson {
        id: person,
        name: &ask.name,
        email: &ask.email,
        email_key: &ask.email.to_lowercase(),
        password_hash: &password_hash,
        operator: first,
        tenant,
        tenant_name: &ask.workspace,
        environment,
        now,
    };
    if !store::insert_person(&mut tx, &new).await? {
        return Err(Error::EmailTaken);
    }
    if let Some(hash) = &invitation {
        store::name_invited(&mut tx, hash, person).await?;
    }
    let intent = Intent {
        id: mint(&*state.clock),
        source: Source::Web,
        context: Context {
            permissions: Role::Owner.permissions(first, false),
            ..Context::of(tenant, environment, Actor::Person { id: person })
        },
        base_revision: None,
        idempotency_key: None,
        payload: MakeWorkspace,
    };
    let detail = Value::map([("name", Value::from(ask.workspace.as_str()))]);
    audit::record_in(&mut tx, &*state.clock, &intent, &tenant.to_string(), &detail).await?;
    let grant = grant(state, &mut tx, headers, person).await?;
    tx.commit().await?;
    tracing::info!(%person, %tenant, operator = first, "somebody signed up");
    Ok(grant)
}

struct Ask {
    name: String,
    email: String,
    password: Secret,
    workspace: String,
    invitation: Option<String>,
}

fn checked(body: SignUp) -> Result<Ask, Error> {
    let (name, email, workspace) = (body.name.trim(), body.email.trim(), body.workspace.trim());
    let mut wrong = Vec::new();
    for (pointer, text) in [("/name", name), ("/workspace", workspace)] {
        if !(1..=100).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            wrong.push((pointer, "needs 1 to 100 characters".to_owned()));
        }
    }
    if !is_email(email) {
        wrong.push(("/email", "is not an e-mail address".to_owned()));
    }
    if let Some(why) = password_rules::refuse(&body.password, &[name, email, workspace]) {
        wrong.push(("/password", why));
    }
    if !wrong.is_empty() {
        return Err(Error::Fields(wrong));
    }
    Ok(Ask {
        name: name.to_owned(),
        email: email.to_lowercase(),
        workspace: workspace.to_owned(),
        password: Secret::from(body.password),
        invitation: body.invitation,
    })
}

/// Something in front of and behind one `@`. More is not known before a mail arrives.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_two_sides_and_no_spaces() {
        for good in ["a@b", "ada.lovelace+x@example.co.uk", "用户@例子.广告"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a@.b", "a@b.", "a\u{0}@b"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
