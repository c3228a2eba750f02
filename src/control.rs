//! The runtimes for what must not be waited for on the threads that carry bytes. Use cases and console commands run whole on
//! one of them, so that no SQL and no list is waited for elsewhere; recordings are written by the threads of another.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeMetrics};
use tokio::task::JoinHandle;
use tracing::Instrument;

/// How many threads. They wait for the database, which writes one thing after the other.
const THREADS: usize = 2;

/// Hands work over to a runtime. Its clones are the same.
#[derive(Debug, Clone)]
pub struct Control(Handle);

/// Keeps a runtime alive.
#[derive(Debug)]
pub struct ControlRuntime {
    control: Control,
    runtime: Option<Runtime>,
}

/// A task that ends with whoever waits for it.
struct Attached<T>(JoinHandle<T>);

impl ControlRuntime {
    /// Starts a runtime whose threads have this name.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(name: &str) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).thread_name(name).enable_all().build()?;
        Ok(Self { control: Control(runtime.handle().clone()), runtime: Some(runtime) })
    }

    /// Hands work over to it.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Drop for ControlRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
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
