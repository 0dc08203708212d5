//! Pages: static files, and the app rendered with what the caller may see.

mod build;
mod render;
mod statics;

use axum::{Extension, Router};

use crate::state::AppState;

pub use build::Build;

/// Static files of the site, and every other address as a page of the app.
pub fn router(state: &AppState) -> Router<AppState> {
    // The app's resources are spawned on tokio. A second router in one process (tests) finds it set, which is as good.
    let _ = any_spawner::Executor::init_tokio();
    statics::router(&state.config.site_dir, &state.build.id)
        .fallback(render::page)
        .layer(Extension(render::Renderers::new()))
}
