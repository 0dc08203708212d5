//! Entry point of the page in the browser: hydrates what the server rendered.
