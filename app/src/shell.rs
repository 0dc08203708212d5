//! The HTML document around the pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::App;

/// Sets the theme and the rail's width before the first paint, so that nothing flashes or jumps.
const BEFORE_PAINT: &str = "try{var d=document.documentElement.dataset,t=localStorage.getItem('holon.theme');\
if(t==='light'||t==='dark')d.theme=t;if(localStorage.getItem('holon.rail')==='open')d.rail='open'}catch(e){}";

/// The document. `build` names the build of the static files: the scripts find each other beside themselves, so that a tab
/// never mixes the modules of two builds.
pub fn shell(build: &str) -> AnyView {
    let script = format!("/pkg/{build}/holon.js");
    let wasm = format!("/pkg/{build}/holon_bg.wasm");
    let style = format!("/pkg/{build}/holon.css");
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
                <script nonce=use_nonce()>{BEFORE_PAINT}</script>
                <link rel="stylesheet" href=style/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#F7F7F5"/>
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#111211"/>
                <link rel="modulepreload" href=script nonce=use_nonce()/>
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" nonce=use_nonce()>{start}</script>
                <MetaTags/>
            </head>
            <body>
                <App ready=ArcRwSignal::new(false)/>
            </body>
        </html>
    }
    .into_any()
}

/// The HTTP status of the rendered page: 200 unless a page says otherwise. The server puts one into the context and reads it after.
#[derive(Debug, Clone)]
pub struct PageStatus(Arc<AtomicU16>);

impl Default for PageStatus {
    fn default() -> Self {
        Self(Arc::new(AtomicU16::new(200)))
    }
}

impl PageStatus {
    /// Says another status.
    pub fn set(&self, status: u16) {
        self.0.store(status, Ordering::Relaxed);
    }

    /// What was said last.
    pub fn get(&self) -> u16 {
        self.0.load(Ordering::Relaxed)
    }
}
