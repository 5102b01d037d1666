//! `tidegauge serve`: runs the server until it is told to end.

use super::error::CliError;
use super::settings::{Loaded, Settings};
use crate::app::App;
use crate::config::LogFormat;
use crate::telemetry::{self, Form};
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const EXAMPLES: &str = "\
Examples:
  tidegauge serve
  tidegauge serve --bind 0.0.0.0:8086 --data /var/lib/tidegauge
  tidegauge serve --config /etc/tidegauge.toml --set log.format=json
  tidegauge serve --object-store s3://bucket/prefix --set object_store.region=eu-central-1
  tidegauge serve --read-only --bind 127.0.0.1:8087 --object-store s3://bucket/prefix
                                                   beside the one that writes; changes nothing
  AWS_ENDPOINT=http://127.0.0.1:9000 AWS_ALLOW_HTTP=true \\
      tidegauge serve --object-store s3://bucket

SIGTERM, SIGINT (Ctrl-C) and, unless it is started with nohup, SIGHUP end it in order: running
requests end, what is buffered is flushed. A second SIGTERM or SIGINT ends it at once; the
write-ahead log keeps what was acknowledged.";

/// Run the server.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Only answer queries, on what another server has flushed to the same store, checked every read_only.interval_ms
    #[arg(long)]
    read_only: bool,
}

impl Serve {
    /// The settings of the server.
    pub(super) fn load(&self) -> Result<Loaded, CliError> {
        self.settings.load_with(("read_only.enabled", &self.read_only.then(|| "true".to_owned())))
    }

    pub(super) fn run(self) -> Result<(), CliError> {
        let loaded = self.load()?;
        let form = match loaded.config.log.format {
            LogFormat::Text => Form::Text,
            LogFormat::Json => Form::Json,
        };
        telemetry::start(&loaded.config.log.level, form)?;
        for name in loaded.unknown_variables {
            tracing::warn!(name, "this environment variable names no setting");
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            data = %loaded.config.data.display(),
            "starting"
        );
        raise_file_limit();
        super::block_on(async move { Ok(App::start(&loaded.config).await?.run().await?) })
    }
}

/// Lets the process have as many files and connections open as it may. The soft limit is 1024 on most systems, for the sake
/// of programs that call `select`, which this one does not.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        Ok(()) => {
            tracing::debug!(before = ?limit.current, now = ?limit.maximum, "raised the limit of open files")
        }
        Err(error) => tracing::warn!(%error, limit = ?limit.current, "cannot raise the limit of open files"),
    }
}
