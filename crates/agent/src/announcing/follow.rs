//! When does the announcing thread get another view?

use std::sync::Arc;

use ::watch::ApiServerStatus;
use tokio::sync::watch;

use super::Handed;
use super::view::Views;
use crate::config::Config;
use crate::published::Published;

pub(super) async fn follow(
    config: Arc<Config>,
    handed: Arc<Handed>,
    mut published: watch::Receiver<Arc<Published>>,
    api_server: Option<ApiServerStatus>,
) {
    let mut views = Views::new(config);
    loop {
        let newest = Arc::clone(&published.borrow_and_update());
        if let Some(mut view) = views.next(&newest) {
            // Taken before the view was made it might be too small, and now it may be too large by what was
            // heard meanwhile: either counts only between two that answer both for longer than that.
            view.revision = api_server.as_ref().map_or(0, ApiServerStatus::revision);
            handed.with(|next| next.view = Some(view));
        }
        if published.changed().await.is_err() {
            return;
        }
    }
}
