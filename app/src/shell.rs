//! The HTML document around the pages, and the app in it.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};

use crate::ports::Ports;

/// Sets the theme before the first paint, so that nothing flashes.
const THEME: &str = "try{var t=localStorage.getItem('holon.theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch(e){}";

/// The document. `build` names the build of the static files, so that a new one is fetched.
pub fn shell(build: &str) -> AnyView {
    let script = format!("/pkg/holon.js?v={build}");
    let wasm = format!("/pkg/holon_bg.wasm?v={build}");
    let style = format!("/pkg/holon.css?v={build}");
    let start = format!(
        "import(\"{script}\").then(m=>m.default({{module_or_path:\"{wasm}\"}}).then(()=>m.hydrate())).catch(e=>console.error(e))"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <script nonce=use_nonce()>{THEME}</script>
                <link rel="stylesheet" href=style/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="modulepreload" href=script nonce=use_nonce()/>
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" nonce=use_nonce()>{start}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
    .into_any()
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Ports::provide();
    view! { <main>"Holon"</main> }
}
