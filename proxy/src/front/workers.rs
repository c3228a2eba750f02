//! One current-thread runtime per core. A connection lives on one of them with both its halves, so that a byte never
//! changes threads between the client and the target.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::RuntimeMetrics;
use tokio::sync::mpsc;

/// How often a thread that is to end looks whether its last tasks are over.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A fixed set of threads that connections are dealt to.
#[derive(Debug)]
pub struct Workers {
    queues: Vec<mpsc::UnboundedSender<Job>>,
    metrics: Vec<RuntimeMetrics>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts `count` threads. They end when the `Workers` are dropped, and their connections and all that these spawned
    /// are over.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(count: usize) -> io::Result<Self> {
        let (queues, metrics) = (0..count.max(1)).map(start_one).collect::<io::Result<_>>()?;
        Ok(Self { queues, metrics, next: AtomicUsize::new(0) })
    }

    /// What the threads count. A connection itself is in [`Drain::live`](crate::lease::drain::Drain::live), not here.
    #[must_use]
    pub fn metrics(&self) -> Vec<RuntimeMetrics> {
        self.metrics.clone()
    }

    /// Runs a future on one of the threads, in turn. What it spawns stays on that thread.
    pub fn spawn<F, Fut>(&self, job: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(queue) = self.queues.get(turn % self.queues.len()) {
            // A worker that is gone has taken the process's end with it; there is nobody left to serve.
            let _ = queue.send(Box::new(move || Box::pin(job())));
        }
    }
}

fn start_one(number: usize) -> io::Result<(mpsc::UnboundedSender<Job>, RuntimeMetrics)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let metrics = runtime.metrics();
    let (queue, mut jobs) = mpsc::unbounded_channel::<Job>();
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        let local = tokio::task::LocalSet::new();
        runtime.block_on(local.run_until(async move {
            while let Some(job) = jobs.recv().await {
                tokio::task::spawn_local(job());
            }
        }));
        // The connections that are still there go on until they are over, and then what they spawned: the recordings of
        // their channels are yet to be sealed.
        runtime.block_on(async {
            local.await;
            while runtime.metrics().num_alive_tasks() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        });
    })?;
    Ok((queue, metrics))
}

#[cfg(test)]
mod tests;
