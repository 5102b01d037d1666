//! `tidegauge write`: a few points, from the arguments or standard input, in one request.

use super::client::{Client, ServerArgs, Target, Written};
use super::error::CliError;
use clap::Args;
use std::io::Read;

const EXAMPLES: &str = "\
Examples:
  tidegauge write -d mydb 'cpu,host=a usage=12.5'
  tidegauge write -d mydb --precision s 'cpu,host=a usage=1 0' 'cpu,host=a usage=2 10'
  generate-points | tidegauge write -d mydb

Large files are better sent by `tidegauge import`, which splits them.";

/// Write points in line protocol.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Write {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Points in line protocol, one each; without any they are read from standard input
    #[arg(value_name = "LINE")]
    lines: Vec<String>,
}

/// Where points go.
#[derive(Clone, Debug, Args)]
pub(super) struct TargetArgs {
    /// The database to write to
    #[arg(short, long, value_name = "NAME")]
    pub(super) database: Option<String>,
    /// The retention policy to write to, instead of the database's default
    #[arg(long = "rp", value_name = "NAME")]
    pub(super) policy: Option<String>,
    /// The unit of timestamps
    #[arg(short, long, value_parser = ["ns", "u", "ms", "s", "m", "h"], default_value = "ns")]
    pub(super) precision: String,
}

impl TargetArgs {
    /// The target; without a database there is none.
    pub(super) fn target(&self) -> Option<Target> {
        Some(Target {
            database: self.database.clone()?,
            policy: self.policy.clone(),
            precision: Some(self.precision.clone()),
        })
    }
}

impl Write {
    pub(super) fn run(self) -> Result<(), CliError> {
        let target =
            self.target.target().ok_or_else(|| CliError::failed("name a database with --database"))?;
        let mut body = Vec::new();
        if self.lines.is_empty() {
            std::io::stdin()
                .lock()
                .read_to_end(&mut body)
                .map_err(|source| CliError::io("read standard input", source))?;
        } else {
            body = self.lines.join("\n").into_bytes();
        }
        let client = Client::new(&self.server)?;
        super::block_on(async move {
            match client.write(&target, body.into()).await? {
                Written::All => Ok(()),
                Written::Refused(message) => Err(CliError::Failed(message)),
            }
        })
    }
}
