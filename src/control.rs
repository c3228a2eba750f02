//! The runtime for control work: use cases and console commands run here whole, so that no SQL, no file and no list is ever
//! waited for on the threads that carry bytes.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeMetrics};
use tokio::task::JoinHandle;
use tracing::Instrument;

/// How many threads. They wait for the database, which writes one thing after the other.
const THREADS: usize = 2;

/// Hands work over to the runtime for control work. Its clones are the same.
#[derive(Debug, Clone)]
pub struct Control(Handle);

/// Keeps the runtime alive.
#[derive(Debug)]
pub struct ControlRuntime(Option<Runtime>);

/// A task that ends with whoever waits for it.
struct Attached<T>(JoinHandle<T>);

impl ControlRuntime {
    /// Starts the runtime.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("control").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Hands work over to it.
    #[must_use]
    pub fn control(&self) -> Option<Control> {
        self.0.as_ref().map(|runtime| Control(runtime.handle().clone()))
    }
}

impl Drop for ControlRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Whoever drops this may be a task, which must not wait for threads.
            runtime.shutdown_background();
        }
    }
}

impl Control {
    /// Hands work over to the runtime that this is called on.
    #[must_use]
    pub fn here() -> Self {
        Self(Handle::current())
    }

    /// Does something from its beginning to its end, also when whoever asked for it goes away meanwhile. `None` when it
    /// panicked.
    pub async fn whole<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        done(self.0.spawn(work.in_current_span()).await)
    }

    /// Does something for as long as somebody waits for it. `None` when it panicked.
    pub async fn attached<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let mut task = Attached(self.0.spawn(work.in_current_span()));
        done((&mut task.0).await)
    }

    /// Does something that nobody waits for.
    pub fn behind(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work.in_current_span());
    }

    /// How the runtime fares.
    #[must_use]
    pub fn metrics(&self) -> RuntimeMetrics {
        self.0.metrics()
    }
}

impl<T> Drop for Attached<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn done<T>(joined: Result<T, tokio::task::JoinError>) -> Option<T> {
    joined.inspect_err(|why| tracing::error!(%why, "control work did not come to its end")).ok()
}
