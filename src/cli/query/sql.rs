//! SQL over Flight SQL: record batches and how they are printed.

use super::session::{Format, Session};
use crate::cli::client::{ClientError, cause_of};
use crate::cli::error::CliError;
use crate::cli::terminal;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use std::io::Write;
use tonic::transport::{Channel, Endpoint};

/// The metadata key that names the database, as InfluxDB 3's clients send it.
const DATABASE_KEY: &str = "database";

pub(super) async fn run(session: &Session, text: &str) -> Result<(), CliError> {
    if session.database.is_none() {
        return Err(CliError::failed(
            "SQL needs a database: name one with --database, or in the shell with `use NAME`",
        ));
    }
    let mut client = connect(session).await?;
    let info = client.execute(text.to_owned(), None).await.map_err(|error| flight_failed(&error))?;
    let schema = info.clone().try_decode_schema().map_err(CliError::failed)?;
    let mut printer = Printer::new(session.format, schema.into())?;
    for endpoint in info.endpoint {
        let ticket = endpoint
            .ticket
            .ok_or_else(|| ClientError::Answer("an endpoint of the answer has no ticket".into()))?;
        let mut batches = client.do_get(ticket).await.map_err(|error| flight_failed(&error))?;
        while let Some(batch) = batches.try_next().await.map_err(|error| flight_failed(&error))? {
            printer.add(&batch)?;
        }
    }
    printer.finish()
}

async fn connect(session: &Session) -> Result<FlightSqlServiceClient<Channel>, CliError> {
    let url = session.server.url()?;
    if url.scheme() != "http" {
        return Err(CliError::failed("SQL is spoken over plain http only so far; use an http:// address"));
    }
    let unreachable = |error: tonic::transport::Error| ClientError::Unreachable {
        url: url.to_string(),
        reason: cause_of(&error),
    };
    let channel = Endpoint::from_shared(url.to_string()).map_err(unreachable)?.connect().await;
    let mut client = FlightSqlServiceClient::new(channel.map_err(unreachable)?);
    if let Some(database) = &session.database {
        client.set_header(DATABASE_KEY, database);
    }
    if let (Some(name), Some(password)) = (&session.server.username, &session.server.password) {
        client.handshake(name, password).await.map_err(|error| flight_failed(&error))?;
    }
    Ok(client)
}

/// The words of the server without those of the layers around them.
fn flight_failed(error: &FlightError) -> CliError {
    match error {
        FlightError::Tonic(status) => CliError::failed(status.message()),
        other => CliError::failed(other),
    }
}

/// Prints batches as they come. A table is printed after the last one, which may still widen a column.
pub(super) enum Printer {
    /// Rows as text, and which columns are numbers.
    Table { header: Vec<String>, is_number: Vec<bool>, rows: Vec<Vec<String>> },
    /// To standard output.
    Csv(Box<arrow::csv::Writer<std::io::Stdout>>),
    /// To standard output, as one array.
    Json(arrow::json::ArrayWriter<std::io::Stdout>),
}

impl Printer {
    pub(super) fn new(format: Format, schema: SchemaRef) -> Result<Self, CliError> {
        Ok(match format {
            Format::Table => Self::Table {
                header: schema.fields().iter().map(|field| field.name().clone()).collect(),
                is_number: schema.fields().iter().map(|field| field.data_type().is_numeric()).collect(),
                rows: Vec::new(),
            },
            Format::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new().build(std::io::stdout());
                // The header stands even above no rows.
                writer.write(&RecordBatch::new_empty(schema)).map_err(printing_failed)?;
                Self::Csv(Box::new(writer))
            }
            Format::Json => Self::Json(arrow::json::ArrayWriter::new(std::io::stdout())),
        })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), CliError> {
        match self {
            Self::Table { rows, .. } => rows.extend(to_texts(batch).map_err(printing_failed)?),
            Self::Csv(writer) => writer.write(batch).map_err(printing_failed)?,
            Self::Json(writer) => writer.write(batch).map_err(printing_failed)?,
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Table { header, is_number, rows } => {
                terminal::print(&terminal::table(&header, rows, |column| is_number[column]))
            }
            Self::Csv(_) => std::io::stdout().flush().map_err(CliError::output),
            Self::Json(mut writer) => {
                writer.finish().map_err(printing_failed)?;
                terminal::print("\n")
            }
        }
    }
}

/// Every row as texts; null is empty.
pub(super) fn to_texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::default().with_null("");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, _>>()?;
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).try_to_string()).collect())
        .collect()
}

/// Output that cannot be written stays recognisable as such.
fn printing_failed(error: ArrowError) -> CliError {
    match error {
        ArrowError::IoError(_, source) => CliError::output(source),
        other => CliError::failed(other),
    }
}
