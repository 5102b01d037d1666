//! Layer 4: hands accepted writes on to the destinations of subscriptions, as the subscriber service of InfluxDB 1.x does.
//!
//! ```text
//! outbox ─ next ─▶ one of the workers of a subscription ─ lines ─▶ http: POST /write
//!                     │                                        └─▶ udp: a datagram for each point
//!                     ├─ ALL: to every destination at once
//!                     └─ ANY: to one after the other, from the next one on, until one has taken it
//! ```
//!
//! Best effort: what fails is counted and not tried again, and nothing is kept on disk. A write that is acknowledged here is
//! handed on afterwards or not at all; it never waits for a destination. Points are handed on with the times that they were
//! given, in nanoseconds.
//!
//! | file | what it knows |
//! |---|---|
//! | `destination` | the URL of a destination: what is sent where |
//! | `lines` | the rows of a write as line protocol, in parts of bounded size |
//! | `deliver` | which destinations a write is for, and what is counted |
//! | `http`, `udp` | the ways to a destination |
//!
//! It speaks HTTP as a client, so it knows the status codes of other servers; it does not know ours, nor the engine.

mod deliver;
mod destination;
mod error;
mod http;
mod lines;
#[cfg(test)]
mod tests;
mod udp;

pub use error::SubscriberError;

use crate::outbox::{Outbox, Outgoing};
use deliver::Subscription;
use http::HttpOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// Settings of handing on; `tidegauge config` explains each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberOptions {
    /// How long a destination may take to answer a write.
    pub http_timeout: Duration,
    /// Writes of one subscription that are under way at the same time; > 0.
    pub write_concurrency: usize,
    /// A PEM file with the certificate authorities that https destinations are checked against; those of the system when
    /// `None`.
    pub ca_certs: Option<PathBuf>,
    /// Whether certificates of destinations are not looked at.
    pub insecure_skip_verify: bool,
}

/// Whether [`Subscriber::start`] would start with these settings: known before there is anything to hand on.
///
/// # Errors
/// When the file of certificates cannot be used.
pub fn check(options: &SubscriberOptions) -> Result<(), SubscriberError> {
    HttpOptions::new(options).map(|_| ())
}

/// What hands writes on. Ends when it is stopped, or when its outbox is closed and empty.
#[derive(Debug)]
pub struct Subscriber {
    outbox: Arc<Outbox>,
    task: JoinHandle<()>,
}

impl Subscriber {
    /// Begins to hand on what comes into the queues of `outbox`, whose openings come out of `openings`. To be called inside a Tokio
    /// runtime.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn start(
        options: SubscriberOptions,
        outbox: Arc<Outbox>,
        openings: mpsc::UnboundedReceiver<Outgoing>,
    ) -> Result<Self, SubscriberError> {
        let http = HttpOptions::new(&options)?;
        let task = tokio::spawn(run(openings, http, options.write_concurrency.max(1)));
        Ok(Self { outbox, task })
    }

    /// Ends: no more writes are taken, and what waits has `grace` to be handed on. What is left then is dropped.
    pub async fn stop(mut self, grace: Duration) {
        self.outbox.close();
        match tokio::time::timeout(grace, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => tracing::error!(%panic, "handing on writes has met a bug of the server"),
            Err(_) => {
                let bytes = self.outbox.status().held_bytes;
                tracing::warn!(bytes, "stopped before all writes were handed on to subscriptions");
                self.task.abort();
            }
        }
    }
}

/// Runs every subscription, from its opening to its end.
async fn run(mut openings: mpsc::UnboundedReceiver<Outgoing>, http: HttpOptions, concurrency: usize) {
    let mut client = None;
    let mut running = JoinSet::new();
    while let Some(outgoing) = openings.recv().await {
        while let Some(ended) = running.try_join_next() {
            report(ended);
        }
        if client.is_none() {
            // Made when the first one comes: reading the certificates of the system takes a moment.
            match http.client() {
                Ok(made) => client = Some(made),
                Err(error) => {
                    let name = &outgoing.target().subscription.name;
                    tracing::error!(%error, %name, "writes cannot be handed on for a subscription");
                    outgoing.counts().could_not_start();
                    continue;
                }
            }
        }
        if let Some(client) = &client {
            running.spawn(run_subscription(outgoing, client.clone(), concurrency));
        }
    }
    while let Some(ended) = running.join_next().await {
        report(ended);
    }
}

/// Hands on the writes of one subscription, `concurrency` at a time, until it is no more.
async fn run_subscription(mut outgoing: Outgoing, client: reqwest::Client, concurrency: usize) {
    let ended = outgoing.ended().clone();
    let subscription = Arc::new(Subscription::new(&outgoing, client));
    let work = async {
        let mut workers = JoinSet::new();
        loop {
            while workers.len() >= concurrency {
                workers.join_next().await.into_iter().for_each(report);
            }
            let Some(write) = outgoing.next().await else { break };
            while let Some(ended) = workers.try_join_next() {
                report(ended);
            }
            let subscription = subscription.clone();
            workers.spawn(async move { subscription.deliver(&write).await });
        }
        while let Some(ended) = workers.join_next().await {
            report(ended);
        }
    };
    // What is under way goes with its workers when the subscription is no more.
    let _ = ended.run_until_cancelled(work).await;
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(panic) = ended {
        tracing::error!(%panic, "handing on a write has met a bug of the server");
    }
}
