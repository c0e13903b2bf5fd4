//! Which system calls may be made: seccomp. Whatever is not in the list ends the process.

use super::Needs;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};
use std::collections::BTreeMap;
use std::env::consts::ARCH;

/// What the program, its runtime, its database and the C library call once they have started.
const ALLOWED: &[i64] = &[
    // Files.
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_readlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_utimensat,
    libc::SYS_flock,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_umask,
    libc::SYS_fadvise64,
    libc::SYS_copy_file_range,
    // Memory.
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_membarrier,
    // Threads.
    // Refused by the other filter, so that the C library takes `clone`, whose flags can be looked at.
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    // Signals, to this process only: Landlock sees to that.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    // Time, randomness, and who this is.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    // Sockets that exist, and waiting for them.
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_recvfrom,
    libc::SYS_shutdown,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_ppoll,
];

/// What it takes to open a socket, and then to forbid that: once a server listens.
const OPENING: &[i64] = &[libc::SYS_bind, libc::SYS_listen, libc::SYS_connect, libc::SYS_seccomp];

/// The type in the second argument of `socket`, without its flags.
const TYPE: libc::c_int = 0xf;

/// Those that only one architecture still has.
#[cfg(target_arch = "x86_64")]
const OLD: &[i64] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_unlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_readlink,
    libc::SYS_chmod,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_epoll_wait,
    libc::SYS_getrlimit,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[i64] = &[];

/// What may be asked of a device, which standard output and error may be.
const IOCTLS: [libc::Ioctl; 4] = [libc::FIONBIO, libc::FIOCLEX, libc::TCGETS, libc::TIOCGWINSZ];

pub(super) fn restrict(needs: &Needs) -> Result<(), String> {
    apply(no_clone3())?;
    apply(filter(needs))
}

/// No socket is opened from now on: also not to another program of this host, which could do what this one cannot.
pub(super) fn close_the_door() -> Result<(), String> {
    let ended = OPENING.iter().chain(&[libc::SYS_socket, libc::SYS_socketpair]);
    let rules = ended.map(|call| (*call, Vec::new())).collect();
    apply(compiled(rules, SeccompAction::Allow, SeccompAction::KillProcess))
}

fn apply(filter: Result<BpfProgram, BackendError>) -> Result<(), String> {
    let filter = filter.map_err(|error| format!("the filter cannot be made: {error}"))?;
    apply_filter_all_threads(&filter)
        .map_err(|error| format!("the kernel does not take a filter of system calls: {error}"))
}

/// What becomes of calls that are in none of the rules, and of those that are.
fn compiled(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, others, these, ARCH.try_into()?)?.try_into()
}

/// As if the kernel did not know `clone3`.
fn no_clone3() -> Result<BpfProgram, BackendError> {
    let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    compiled(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), SeccompAction::Allow, unknown)
}

fn filter(needs: &Needs) -> Result<BpfProgram, BackendError> {
    let anything = |call: &i64| (*call, Vec::new());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().chain(OLD).map(anything).collect();
    // A pair for signals. One of another type could send to any socket that has a path.
    let streams = [equals(0, libc::AF_UNIX)?, masked(1, TYPE, libc::SOCK_STREAM)?];
    rules.insert(libc::SYS_socketpair, vec![SeccompRule::new(streams.into())?]);
    // To whom a socket is connected. Otherwise the one for the service manager could send to any that has a path; whom
    // `sendmsg` names, a filter cannot see.
    let connected = condition(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_sendto, vec![SeccompRule::new(vec![connected])?]);
    if needs.listens {
        let mut families = vec![libc::AF_UNIX];
        families.extend(needs.tcp.then_some([libc::AF_INET, libc::AF_INET6]).into_iter().flatten());
        rules.insert(libc::SYS_socket, one_of(0, &families)?);
        rules.extend(OPENING.iter().map(anything));
    }
    // The name of a thread, and what a further filter takes: not whether others may look into this process.
    let options = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_NO_NEW_PRIVS];
    rules.insert(libc::SYS_prctl, one_of(0, &options)?);
    // Its own limits, to read them.
    let reads = [equals(0, 0)?, condition(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?];
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(reads.into())?]);
    let threads_only = masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![threads_only])?]);
    rules.insert(libc::SYS_ioctl, one_of(1, &IOCTLS)?);
    compiled(rules, SeccompAction::KillProcess, SeccompAction::Allow)
}

/// An argument must be one of these values, whose type is not the same on every system.
fn one_of<T: Copy + TryInto<u64>>(argument: u8, values: &[T]) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value: &T| SeccompRule::new(vec![equals(argument, *value)?]);
    values.iter().map(rule).collect()
}

fn equals<T: TryInto<u64>>(argument: u8, value: T) -> Result<SeccompCondition, BackendError> {
    condition(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

/// Some bits of an argument must be these.
fn masked(argument: u8, mask: libc::c_int, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    let mask = u64::from(mask.unsigned_abs());
    condition(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
}

fn condition<T: TryInto<u64>>(
    argument: u8,
    length: SeccompCmpArgLen,
    operator: SeccompCmpOp,
    value: T,
) -> Result<SeccompCondition, BackendError> {
    // None of ours is negative; nothing would equal it.
    SeccompCondition::new(argument, length, operator, value.try_into().unwrap_or(u64::MAX))
}
