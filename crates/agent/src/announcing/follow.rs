//! When does the announcing thread get another view?

use std::sync::Arc;

use tokio::sync::watch;

use super::Handed;
use super::view::Views;
use crate::config::Config;
use crate::published::Published;

pub(super) async fn follow(
    config: Arc<Config>,
    handed: Arc<Handed>,
    mut published: watch::Receiver<Arc<Published>>,
) {
    let mut views = Views::new(config);
    loop {
        let newest = Arc::clone(&published.borrow_and_update());
        if let Some(view) = views.next(&newest) {
            handed.with(|next| next.view = Some(view));
        }
        if published.changed().await.is_err() {
            return;
        }
    }
}
