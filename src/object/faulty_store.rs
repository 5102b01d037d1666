//! A store in memory whose operations fail when a test says so, before or after they took effect.

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use std::sync::Arc;

/// What happens to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is carried out and answered.
    None,
    /// It fails and has no effect.
    Before,
    /// It takes effect, and its answer is lost.
    After,
}

/// Decides on each operation by its name (`put`, `get`, `delete`, `list`) and the object.
type Plan = Box<dyn FnMut(&str, &str) -> Fault + Send>;

#[derive(Clone)]
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<InMemory>,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<InMemory>) -> Self {
        Self { inner, plan: Arc::new(Mutex::new(Box::new(|_, _| Fault::None))) }
    }

    /// From now on `plan` decides.
    pub(crate) fn plan(&self, plan: impl FnMut(&str, &str) -> Fault + Send + 'static) {
        *self.plan.lock() = Box::new(plan);
    }

    fn decide(&self, operation: &str, path: &str) -> Result<bool> {
        let fault = (self.plan.lock())(operation, path);
        if fault == Fault::Before { Err(lost()) } else { Ok(fault == Fault::After) }
    }
}

fn lost() -> Error {
    Error::Generic { store: "faulty", source: "the connection was lost".into() }
}

fn answer<T>(lose: bool, result: Result<T>) -> Result<T> {
    if lose { Err(lost()) } else { result }
}

impl std::fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl std::fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, to: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let lose = self.decide("put", to.as_ref())?;
        answer(lose, self.inner.put_opts(to, payload, opts).await)
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, opts).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        let lose = self.decide("get", from.as_ref())?;
        answer(lose, self.inner.get_opts(from, options).await)
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |path: Result<Path>| {
            let this = this.clone();
            async move {
                let path = path?;
                let lose = this.decide("delete", path.as_ref())?;
                answer(lose, this.inner.delete(&path).await)?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.decide("list", prefix.map_or("", |p| p.as_ref())) {
            Ok(false) => self.inner.list(prefix),
            _ => async { Err(lost()) }.into_stream().into_stream().boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// All objects by name.
pub(crate) async fn objects(store: &InMemory) -> Vec<String> {
    let listed: Vec<_> =
        store.list(None).map_ok(|m| m.location.to_string()).try_collect().await.expect("memory");
    listed
}
