//! Pages and components; builds with `ssr` for the server and with `hydrate` for the browser.
