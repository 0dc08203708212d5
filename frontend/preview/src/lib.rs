//! Entry point of the preview worker: the engine in the browser.
