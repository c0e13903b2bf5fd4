//! How often somebody may ask. What is left of a second's requests can be used at once; whoever has used them waits.

use crate::settings::HttpConfig;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// Failures to say who asks, per address and minute.
const FAILURES: NonZeroU32 = NonZeroU32::new(10).expect("it is above zero");

/// After so many questions, keys that have not asked lately are forgotten: no more than this are kept in vain.
const TIDY: u32 = 10_000;

/// The limits of every token and every address.
pub struct Limits<C: Clock = DefaultClock> {
    callers: Limiter<String, C>,
    addresses: Limiter<IpAddr, C>,
    failures: Limiter<IpAddr, C>,
}

impl Limits {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &HttpConfig) -> Self {
        Self::with_clock(config, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with_clock(config: &HttpConfig, clock: &C) -> Self {
        Self {
            callers: Limiter::new(Quota::per_second(config.requests_per_second), clock),
            addresses: Limiter::new(Quota::per_second(config.requests_per_second_per_address), clock),
            failures: Limiter::new(Quota::per_minute(FAILURES), clock),
        }
    }

    /// Counts a request of a caller, by its id.
    ///
    /// # Errors
    /// How many seconds it has to wait.
    pub fn check_caller(&self, id: &str) -> Result<(), u64> {
        self.callers.check(&id.to_owned())
    }

    /// Counts a request from an address, before it is known who asks.
    ///
    /// # Errors
    /// How many seconds it has to wait.
    pub fn check_address(&self, address: IpAddr) -> Result<(), u64> {
        self.addresses.check(&whose(address))
    }

    /// Counts a token that is not valid. Where there were too many the answer says so, and no more that the token is not
    /// valid; one that is valid opens even then, so that nobody keeps others behind the same address away.
    ///
    /// # Errors
    /// How many seconds it has to wait.
    pub fn check_failure(&self, address: IpAddr) -> Result<(), u64> {
        self.failures.check(&whose(address))
    }
}

/// Who counts as one: an IPv4 address, also in the form of an IPv6 one; of IPv6 the 64 bits that a host cannot choose.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        four @ IpAddr::V4(_) => four,
    }
}

struct Limiter<K: Hash + Eq + Clone, C: Clock> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limiter<K, C> {
    fn new(quota: Quota, clock: &C) -> Self {
        let limiter = RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone());
        Self { limiter, asked: AtomicU32::new(0) }
    }

    fn check(&self, key: &K) -> Result<(), u64> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % TIDY == TIDY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.limiter.clock().now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use std::time::Duration;

    fn limits(clock: &FakeRelativeClock) -> Limits<FakeRelativeClock> {
        let rate = |number| NonZeroU32::new(number).unwrap();
        let config = HttpConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            allow: Vec::new(),
            requests_per_second: rate(2),
            requests_per_second_per_address: rate(3),
            ready_blocks: 0,
            jwt: Vec::new(),
        };
        Limits::with_clock(&config, clock)
    }

    #[test]
    fn each_caller_has_its_own_limit() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let ask = |id: &str| limits.check_caller(id);
        assert_eq!([ask("a"), ask("a"), ask("a")], [Ok(()), Ok(()), Err(1)]);
        assert_eq!(ask("b"), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!([ask("a"), ask("a")], [Ok(()), Err(1)]);
    }

    #[test]
    fn an_address_is_one_in_every_form_and_a_network_of_ipv6_is_one() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let ask = |text: &str| limits.check_address(text.parse().unwrap());
        assert_eq!([ask("10.0.0.1"), ask("::ffff:10.0.0.1"), ask("10.0.0.1")], [Ok(()); 3]);
        assert_eq!(ask("::ffff:10.0.0.1"), Err(1));
        assert_eq!(ask("10.0.0.2"), Ok(()));
        assert_eq!([ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::ffff:0:0:3")], [Ok(()); 3]);
        assert_eq!((ask("2001:db8::4"), ask("2001:db8:0:1::1")), (Err(1), Ok(())));
    }

    #[test]
    fn failures_have_a_limit_that_is_harder() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let fail = || limits.check_failure("10.0.0.1".parse().unwrap());
        assert!((0..10).all(|_| fail() == Ok(())));
        assert_eq!(fail(), Err(6));
        clock.advance(Duration::from_secs(5));
        assert_eq!(fail(), Err(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(fail(), Ok(()));
    }

    #[test]
    fn those_who_do_not_ask_any_more_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        for number in 0..3 * TIDY {
            limits.check_address(IpAddr::V4(number.into())).unwrap();
            clock.advance(Duration::from_millis(1));
        }
        let most = usize::try_from(TIDY).unwrap() + 1000;
        assert!(limits.addresses.limiter.len() <= most, "{}", limits.addresses.limiter.len());
    }
}
