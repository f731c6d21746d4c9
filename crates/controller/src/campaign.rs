//! How does a controller become the one that acts, and stay it?

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use host::clock::monotonic;
use serve::{Stop, stopped};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, sleep_until, timeout};

use ::watch::{RequestError, Requests};

use crate::election::{Election, Move, Record};
use crate::lease::{self, LeaseName};

/// A try that takes longer than this would come too late.
const TRY_MAX: Duration = Duration::from_millis(1_500);

/// Between two tries that fail.
const PAUSE: Duration = Duration::from_millis(300);

/// The server writes a bookmark or ends a watch in this time.
const SILENCE_MAX: Duration = Duration::from_secs(100);

/// Until when this process may act, if it may; and who does, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Leading {
    pub(crate) until: Option<Instant>,
    pub(crate) holder: Option<String>,
}

impl Leading {
    pub(crate) fn may_act(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

/// Goes on until it is stopped; then gives the Lease up, so that another one acts at once.
pub(crate) async fn campaign(
    requests: Requests,
    name: LeaseName,
    mut election: Election,
    leading: watch::Sender<Leading>,
    mut stop: Stop,
) {
    let (seen_sender, mut seen) = mpsc::channel(1);
    let following = tokio::spawn(follow(requests.clone(), name.clone(), seen_sender));
    let mut problem: Option<String> = None;
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            outcome = step(&requests, &name, &mut election, &mut seen) => {
                let newer = outcome.err().map(|error| error.to_string());
                if newer != problem && let Some(reason) = &newer {
                    tracing::warn!("cannot take part in the election: {reason}");
                }
                if newer.is_some() {
                    sleep(PAUSE).await;
                }
                problem = newer;
            }
        }
        show(&election, &leading);
    }
    following.abort();
    if let Some(record) = election.resign() {
        show(&election, &leading);
        let lease = Duration::from_secs(1);
        let giving_up = lease::write(&requests, &name, Some(&record), "", lease);
        match timeout(TRY_MAX, giving_up).await {
            Ok(Ok(_)) => tracing::info!("gave the Lease up"),
            Ok(Err(error)) => tracing::warn!("others wait until the Lease ends: {error}"),
            Err(_) => tracing::warn!("others wait until the Lease ends: no answer in time"),
        }
    }
}

fn show(election: &Election, leading: &watch::Sender<Leading>) {
    let newer =
        Leading { until: election.led_until(), holder: election.holder().map(str::to_owned) };
    leading.send_if_modified(|known| {
        if known.until.is_some() != newer.until.is_some() || known.holder != newer.holder {
            match (&newer.until, &newer.holder) {
                (Some(_), _) => tracing::info!("acting for the cluster"),
                (None, Some(holder)) => tracing::info!(%holder, "another one acts"),
                (None, None) => tracing::info!("nobody acts for the cluster"),
            }
        }
        let is_new = *known != newer;
        *known = newer;
        is_new
    });
}

/// One move, or one piece of news.
async fn step(
    requests: &Requests,
    name: &LeaseName,
    election: &mut Election,
    seen: &mut mpsc::Receiver<Option<Record>>,
) -> Result<(), RequestError> {
    let now = monotonic();
    let from = match election.next(now) {
        Move::Wait(until) => {
            tokio::select! {
                Some(found) = seen.recv() => election.see(found, monotonic()),
                () = sleep_until(until.into()) => {}
            }
            return Ok(());
        }
        Move::Look => {
            let found = in_time(lease::read(requests, name), name).await?;
            election.see(found, monotonic());
            return Ok(());
        }
        Move::Create => None,
        Move::Take(record) | Move::Renew(record) => Some(record),
    };
    let (identity, lease) = (election.identity().to_owned(), election.timing().lease);
    let writing = lease::write(requests, name, from.as_ref(), &identity, lease);
    match in_time(writing, name).await {
        Ok(record) => election.succeed(record, now),
        Err(error) => {
            election.miss();
            // Somebody was faster, which is no failure.
            if error.code() != Some(409) {
                return Err(error);
            }
        }
    }
    Ok(())
}

async fn in_time<T>(
    asking: impl Future<Output = Result<T, RequestError>>,
    name: &LeaseName,
) -> Result<T, RequestError> {
    timeout(TRY_MAX, asking).await.unwrap_or_else(|_| {
        Err(RequestError::Lost {
            verb: "get",
            target: name.path(),
            reason: format!("no answer for {} ms", TRY_MAX.as_millis()),
        })
    })
}

/// Hears of each change of the Lease, for as long as somebody wants to know.
async fn follow(requests: Requests, name: LeaseName, seen: mpsc::Sender<Option<Record>>) {
    let mut is_told = false;
    loop {
        match follow_once(&requests, &name, &seen).await {
            Ok(ControlFlow::Break(())) => return,
            Ok(ControlFlow::Continue(())) => is_told = false,
            Err(error) if error.code() == Some(403) && !is_told => {
                tracing::warn!("another one that ends is not noticed at once: {error}");
                is_told = true;
            }
            Err(error) => tracing::debug!("the Lease is not followed just now: {error}"),
        }
        sleep(PAUSE).await;
    }
}

/// Until the server ends the watch; it breaks when nobody wants to know any more.
async fn follow_once(
    requests: &Requests,
    name: &LeaseName,
    seen: &mpsc::Sender<Option<Record>>,
) -> Result<ControlFlow<()>, RequestError> {
    let mut changes = requests.follow(&name.watch_target(), SILENCE_MAX).await?;
    while let Some(line) = changes.next_line().await? {
        if let Some(found) = lease::parse_change(&line)
            && seen.send(found).await.is_err()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
