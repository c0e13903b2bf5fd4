//! What the kernel says of this process, by the names that every Prometheus client gives it.

use super::state::{counter, gauge};
use procfs::process::{LimitValue, Process as Kernel};
use procfs::{ProcResult, WithCurrentSystemInfo, boot_time_secs, ticks_per_second};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(super) struct Process;

/// What the kernel says.
struct Facts {
    resident_bytes: u64,
    open_files: u64,
    most_files: Option<u64>,
    cpu: Duration,
    start: Duration,
}

impl Facts {
    fn read() -> ProcResult<Self> {
        let kernel = Kernel::myself()?;
        let stat = kernel.stat()?;
        let ticks =
            |ticks: u64| Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second().max(1));
        Ok(Self {
            resident_bytes: stat.rss_bytes().get(),
            open_files: kernel.fd_count()? as u64,
            most_files: match kernel.limits()?.max_open_files.soft_limit {
                LimitValue::Value(most) => Some(most),
                LimitValue::Unlimited => None,
            },
            cpu: ticks(stat.utime.saturating_add(stat.stime)),
            start: Duration::from_secs(boot_time_secs()?).saturating_add(ticks(stat.starttime)),
        })
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Where /proc may not be read, all the rest is told.
        let facts = Facts::read().ok();
        let facts = facts.as_ref();
        let to = &mut encoder;
        let resident = facts.map(|facts| facts.resident_bytes);
        gauge(to, "process_resident_memory_bytes", "Memory that the process occupies", resident)?;
        let open = facts.map(|facts| facts.open_files);
        gauge(to, "process_open_fds", "Files and connections that are open", open)?;
        let most = facts.and_then(|facts| facts.most_files);
        gauge(to, "process_max_fds", "How many may be open", most)?;
        let cpu = facts.map(|facts| facts.cpu.as_secs_f64());
        counter(to, "process_cpu_seconds", "Processor time that was used", cpu)?;
        let start = facts.map(|facts| facts.start.as_secs_f64());
        gauge(to, "process_start_time_seconds", "When the process was started", start)
    }
}
