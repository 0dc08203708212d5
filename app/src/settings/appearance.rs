//! The colour scheme of this browser.

use leptos::prelude::*;

use super::strings;
use crate::frame::{Theme, apply_theme, chosen_theme, strings as frame};
use crate::ui::icon;

/// As the system, light, or dark; used at once.
pub fn appearance() -> AnyView {
    let chosen = RwSignal::new(Theme::System);
    Effect::new(move |_| chosen.set(chosen_theme()));
    let choice = move |theme: Theme, glyph: &'static str, word: &'static str| {
        let choose = move |_| {
            chosen.set(theme);
            apply_theme(theme);
        };
        view! {
            <label>
                <input type="radio" name="theme" prop:checked=move || chosen.get() == theme on:change=choose/>
                {icon(glyph)}
                {word}
            </label>
        }
        .into_any()
    };
    view! {
        <section class="setting" aria-labelledby="appearance">
            <h2 id="appearance">{strings::APPEARANCE}</h2>
            <p>{strings::APPEARANCE_WHAT}</p>
            <div>
                <div class="segments" role="radiogroup" aria-labelledby="appearance">
                    {choice(Theme::System, "monitor", frame::SYSTEM)}
                    {choice(Theme::Light, "sun", frame::LIGHT)}
                    {choice(Theme::Dark, "moon", frame::DARK)}
                </div>
            </div>
        </section>
    }
    .into_any()
}
