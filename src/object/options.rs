//! From an address and settings to a store.
//!
//! | address | store |
//! |---|---|
//! | `file:///path`, `/path`, `path` | a local folder |
//! | `memory:///` | memory of this process |
//! | `s3://bucket/prefix` | Amazon S3 and compatible stores |
//! | `gs://bucket/prefix` | Google Cloud Storage |
//! | `az://container/prefix` | Azure Blob Storage |
//!
//! Settings bear the names of [`object_store`]'s configuration keys (`region`, `endpoint`,
//! `access_key_id`, `secret_access_key`, `allow_http`, `service_account`, `account_name`, …) and
//! `path_style`. The environment variables of the clouds' own tools (`AWS_…`, `GOOGLE_…`, `AZURE_…`)
//! count where a setting is missing.

use super::local::LocalStore;
use super::{Store, StoreError};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Where objects lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// The address; see the table in the module's documentation.
    pub url: String,
    /// Settings by name: endpoint, region, keys and the like.
    pub options: BTreeMap<String, String>,
}

impl StoreOptions {
    /// An address without settings.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), options: BTreeMap::new() }
    }

    /// The folder that the address names; `None` when it names something else.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        folder_of(self).ok().flatten()
    }

    /// With one more setting.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }
}

/// Retries of one request: transient errors are waited out for half a minute at most, so that a
/// start-up against a wrong address fails within a time that somebody will wait.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 8,
        retry_timeout: Duration::from_secs(30),
    }
}

/// Time for one request. A data file of 256 MB must pass on a slow line; the default of 30 s is for reads.
const REQUEST_TIMEOUT: &str = "180s";

/// The setting that names objects `endpoint/bucket/key` (true, the default) or `bucket.endpoint/key`.
const PATH_STYLE: &str = "path_style";

pub(super) fn open(options: &StoreOptions) -> Result<Store, StoreError> {
    let given = &options.url;
    let wrong = |reason: String| StoreError::Options { url: given.clone(), reason };
    if given.is_empty() {
        return Err(wrong("the address is empty".into()));
    }
    if let Some(folder) = folder_of(options)? {
        return open_folder(&folder, options);
    }
    let url = Url::parse(given).map_err(|e| wrong(e.to_string()))?;
    let inner: Arc<dyn ObjectStore> = match url.scheme() {
        "memory" => {
            refuse_settings(options)?;
            Arc::new(object_store::memory::InMemory::new())
        }
        "s3" | "s3a" => Arc::new(s3(&url, options)?),
        "gs" => Arc::new(gcs(&url, options)?),
        "az" | "abfs" | "abfss" => Arc::new(azure(&url, options)?),
        other => {
            return Err(wrong(format!(
                "unknown scheme {other:?}; use file, memory, s3, gs or az, or a plain path"
            )));
        }
    };
    let prefix = Path::from_url_path(url.path()).map_err(|e| wrong(e.to_string()))?;
    let inner = if prefix.as_ref().is_empty() { inner } else { Arc::new(PrefixStore::new(inner, prefix)) };
    Ok(Store { inner, url: shown(&url).into(), root: None, cache: None })
}

/// The same for somebody who only reads: a local folder need not be writable, and must be there.
pub(super) fn open_for_reading(options: &StoreOptions) -> Result<Store, StoreError> {
    let Some(folder) = folder_of(options)? else { return open(options) };
    refuse_settings(options)?;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Failed {
        action: "open the folder",
        path: folder.display().to_string(),
        source,
    };
    let root = folder.canonicalize().map_err(|e| failed(e.into()))?;
    let store = LocalFileSystem::new_with_prefix(&root).map_err(|e| failed(e.into()))?;
    let url = Url::from_file_path(&root).map_or_else(|()| options.url.clone(), String::from);
    Ok(Store { inner: Arc::new(store), url: url.into(), root: Some(root.into()), cache: None })
}

/// The folder that the address names; `None` when it names something else.
fn folder_of(options: &StoreOptions) -> Result<Option<PathBuf>, StoreError> {
    let given = &options.url;
    if !given.is_empty() && !given.contains("://") {
        return Ok(Some(given.into()));
    }
    match Url::parse(given) {
        Ok(url) if url.scheme() == "file" => {
            let reason = "not an absolute path".to_owned();
            url.to_file_path().map(Some).map_err(|()| StoreError::Options { url: given.clone(), reason })
        }
        // Whatever is wrong with others is told where they are opened.
        _ => Ok(None),
    }
}

fn open_folder(folder: &std::path::Path, options: &StoreOptions) -> Result<Store, StoreError> {
    refuse_settings(options)?;
    let store = LocalStore::open(folder).map_err(|source| StoreError::Failed {
        action: "open the folder",
        path: folder.display().to_string(),
        source: Box::new(source),
    })?;
    let root: Arc<std::path::Path> = store.root().into();
    let url = Url::from_file_path(&root).map_or_else(|()| options.url.clone(), String::from);
    Ok(Store { inner: Arc::new(store), url: url.into(), root: Some(root), cache: None })
}

fn refuse_settings(options: &StoreOptions) -> Result<(), StoreError> {
    match options.options.keys().next() {
        None => Ok(()),
        Some(name) => Err(StoreError::Options {
            url: options.url.clone(),
            reason: format!("setting {name:?} has no meaning for this kind of store"),
        }),
    }
}

/// The address without a user or password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot bear credentials.
    let _ = url.set_password(None);
    if url.scheme().starts_with("abfs") { url.into() } else { without_user(url) }
}

fn without_user(mut url: Url) -> String {
    let _ = url.set_username("");
    url.into()
}

/// The settings as typed keys; the request timeout is added unless somebody set one.
fn keys<K: FromStr<Err = object_store::Error>>(
    options: &StoreOptions,
    timeout_variable: &str,
) -> Result<Vec<(K, String)>, StoreError> {
    let mut settings = options.options.clone();
    settings.remove(PATH_STYLE);
    if std::env::var_os(timeout_variable).is_none() {
        settings.entry("timeout".into()).or_insert_with(|| REQUEST_TIMEOUT.into());
    }
    let parse = |(name, value): (String, String)| match K::from_str(&name.to_ascii_lowercase()) {
        Ok(key) => Ok((key, value)),
        Err(_) => Err(StoreError::Options {
            url: options.url.clone(),
            reason: format!("unknown setting {name:?} for this kind of store"),
        }),
    };
    settings.into_iter().map(parse).collect()
}

fn s3(url: &Url, options: &StoreOptions) -> Result<impl ObjectStore, StoreError> {
    let wrong = |reason: String| StoreError::Options { url: options.url.clone(), reason };
    let mut builder = AmazonS3Builder::from_env();
    for (key, value) in keys::<AmazonS3ConfigKey>(options, "AWS_TIMEOUT")? {
        builder = builder.with_config(key, value);
    }
    if let Some(path_style) = options.options.get(PATH_STYLE) {
        let path_style: bool = path_style
            .parse()
            .map_err(|_| wrong(format!("{PATH_STYLE} is true or false, not {path_style:?}")))?;
        builder = builder.with_virtual_hosted_style_request(!path_style);
    }
    // Whoever writes http:// in an endpoint has decided.
    let plain = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint]
        .iter()
        .any(|key| builder.get_config_value(key).is_some_and(|e| e.starts_with("http://")));
    if plain {
        builder = builder.with_allow_http(true);
    }
    let bucket = url.host_str().ok_or_else(|| wrong("the bucket is missing".into()))?;
    builder.with_bucket_name(bucket).with_retry(retries()).build().map_err(|e| wrong(e.to_string()))
}

fn gcs(url: &Url, options: &StoreOptions) -> Result<impl ObjectStore, StoreError> {
    let wrong = |reason: String| StoreError::Options { url: options.url.clone(), reason };
    let mut builder = GoogleCloudStorageBuilder::from_env();
    for (key, value) in keys(options, "GOOGLE_TIMEOUT")? {
        builder = builder.with_config(key, value);
    }
    let bucket = url.host_str().ok_or_else(|| wrong("the bucket is missing".into()))?;
    builder.with_bucket_name(bucket).with_retry(retries()).build().map_err(|e| wrong(e.to_string()))
}

fn azure(url: &Url, options: &StoreOptions) -> Result<impl ObjectStore, StoreError> {
    let wrong = |reason: String| StoreError::Options { url: options.url.clone(), reason };
    let mut builder = MicrosoftAzureBuilder::from_env();
    for (key, value) in keys(options, "AZURE_TIMEOUT")? {
        builder = builder.with_config(key, value);
    }
    let builder = if url.username().is_empty() {
        let container = url.host_str().ok_or_else(|| wrong("the container is missing".into()))?;
        builder.with_container_name(container)
    } else {
        builder.with_url(url.as_str())
    };
    builder.with_retry(retries()).build().map_err(|e| wrong(e.to_string()))
}
