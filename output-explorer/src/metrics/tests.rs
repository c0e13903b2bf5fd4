//! The names of metrics are part of the API: the page, the rules and the dashboard hold to them.

use super::*;
use crate::control::LinkStatus;
use crate::event::TYPES;
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::{Ledger, Settings};
use axum::http::Method;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use stegos_common::address::Network;

const PAGE: &str = include_str!("../../../docs/metrics.md");
const ALERTS: &str = include_str!("../../../docs/alerts.yml");
const DASHBOARD: &str = include_str!("../../../docs/grafana.json");

/// A metric as whoever scrapes it sees it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Metric {
    name: String,
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

fn metrics() -> Metrics {
    let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 10 };
    let ledger = Arc::new(Ledger::new(Box::new(MemoryStore::default()), settings).unwrap());
    let node = Arc::new(Mutex::new(LinkStatus::default()));
    Metrics::new(State { ledger, node, ready_blocks: 3 }, &WebhookMetrics::default())
}

/// What is scraped after one request.
fn scraped() -> String {
    let metrics = metrics();
    metrics.http.end(metrics.http.begin(), &Method::GET, "/v1/users/{account}", 200);
    metrics.to_text().unwrap()
}

/// The labels of a sample, without the one that every bucket has.
fn labels(sample: &str) -> BTreeSet<String> {
    let Some((_, rest)) = sample.split_once('{') else { return BTreeSet::new() };
    let names = rest.rsplit_once('}').unwrap().0.split(',').map(|label| label.split_once('=').unwrap().0);
    names.filter(|name| *name != "le").map(str::to_owned).collect()
}

fn registered() -> BTreeSet<Metric> {
    let text = scraped();
    let mut metrics = BTreeSet::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        let (name, help) = line.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        let kind = rest.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
        let mut labels_of = BTreeSet::new();
        while let Some(sample) = rest.next_if(|line| !line.starts_with('#')) {
            labels_of.extend(labels(sample));
        }
        let (name, kind, help) = (name.to_owned(), kind.to_owned(), help.to_owned());
        assert!(metrics.insert(Metric { name, kind, labels: labels_of, help }), "twice");
    }
    metrics
}

fn documented() -> BTreeSet<Metric> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let metric = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, help] = cells[..] else { panic!("{row}") };
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let (name, kind) = (name.trim_matches('`').to_owned(), kind.to_owned());
        Metric { name, kind, labels, help: help.to_owned() }
    };
    rows.map(metric).collect()
}

#[test]
fn every_metric_is_on_the_page_with_its_type_labels_and_meaning_and_no_other_is() {
    let (registered, documented) = (registered(), documented());
    let rows = registered.difference(&documented).map(|metric| {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {} | {} | {} |", metric.name, metric.kind, labels.join(", "), metric.help)
    });
    let missing: Vec<String> = rows.collect();
    assert!(missing.is_empty(), "not in docs/metrics.md, or otherwise:\n{}", missing.join("\n"));
    let gone: Vec<&Metric> = documented.difference(&registered).collect();
    assert!(gone.is_empty(), "only in docs/metrics.md: {gone:#?}");
}

#[test]
fn names_say_what_is_counted_and_in_which_unit() {
    for Metric { name, kind, help, .. } in registered() {
        let own = name.strip_prefix("output_explorer_").or_else(|| name.strip_prefix("process_"));
        let own = own.unwrap_or_else(|| panic!("{name} is nobody's"));
        assert!(own.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        assert!(!name.contains("timestamp") || name.ends_with("_timestamp_seconds"), "{name}");
        let scaled = ["milli", "nano", "minute", "hour", "kilo", "mega", "percent"];
        assert!(!scaled.iter().any(|unit| name.contains(unit)), "{name} is in no base unit");
        assert!(help.ends_with('.') && help.len() > 15, "{name}: {help}");
    }
}

#[test]
fn what_never_happened_is_zero() {
    let text = scraped();
    for kind in TYPES {
        let sample = format!("output_explorer_events_total{{type=\"{kind}\"}} 0");
        assert!(text.lines().any(|line| line == sample), "{sample}");
    }
    for sample in [
        "output_explorer_http_refusals_total{reason=\"credentials_invalid\"} 0",
        "output_explorer_handoffs_live{state=\"rolled_back\"} 0",
        "output_explorer_event_streams{kind=\"long_poll\"} 0",
        "output_explorer_webhook_attempts_total{outcome=\"not_answered\"} 0",
        "output_explorer_ready 0",
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample}\n{text}");
    }
    // Nobody has said how far it is.
    assert!(!text.lines().any(|line| line.starts_with("output_explorer_lag_epochs ")), "{text}");
}

#[test]
fn what_callers_invent_becomes_no_label() {
    let metrics = metrics();
    let method = Method::from_bytes(b"BREW").unwrap();
    metrics.http.end(metrics.http.begin(), &method, "none", 405);
    let text = metrics.to_text().unwrap();
    let sample = "output_explorer_http_requests_total{method=\"other\",route=\"none\",status=\"4xx\"} 1";
    assert!(text.lines().any(|line| line == sample) && !text.contains("BREW"), "{text}");
}

#[test]
fn the_kernel_is_asked_about_this_process() {
    let text = scraped();
    let value = |name: &str| -> f64 {
        let sample = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        sample.unwrap_or_else(|| panic!("no {name}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 100_000.0);
    assert!(value("process_open_fds") > 2.0);
    let start = Duration::from_secs_f64(value("process_start_time_seconds"));
    let age = Duration::from_nanos(crate::clock::now().unix_nanos()).abs_diff(start);
    assert!(age < Duration::from_secs(24 * 3600), "{age:?}");
}

/// The names in an expression that can only be metrics, as they are registered.
fn named(expression: &str) -> Vec<String> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("output_explorer_") || word.starts_with("process_"));
    let whole = |word: &str| {
        let parts = ["_bucket", "_count", "_sum"].iter().find_map(|part| word.strip_suffix(part));
        parts.filter(|name| name.ends_with("_seconds")).unwrap_or(word).to_owned()
    };
    ours.map(whole).collect()
}

/// Whether every metric in an expression exists, and there is one.
fn check(about: &str, expression: &str, names: &BTreeSet<String>) {
    let named = named(expression);
    assert!(!named.is_empty() || expression.contains("up{"), "{about}: {expression}");
    for name in named {
        assert!(names.contains(&name), "{about}: there is no metric {name}");
    }
    let open = |letter| expression.matches(letter).count();
    assert_eq!((open('('), open('{'), open('[')), (open(')'), open('}'), open(']')), "{about}");
}

fn names() -> BTreeSet<String> {
    registered().into_iter().map(|metric| metric.name).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(rename = "for")]
    lasting: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[test]
fn every_alert_names_metrics_that_exist_and_says_what_to_do() {
    let rules: Rules = serde_saphyr::from_str(ALERTS).unwrap();
    let (names, mut alerts) = (names(), BTreeSet::new());
    for Group { name: group, rules } in rules.groups {
        for Rule { alert, expr, lasting, labels, annotations } in rules {
            check(&format!("{group}, {alert}"), &expr, &names);
            assert!(alert.starts_with("OutputExplorer") && alerts.insert(alert.clone()), "{alert}");
            assert!(["critical", "warning"].contains(&labels["severity"].as_str()), "{alert}");
            let said: Vec<&str> = annotations.keys().map(String::as_str).collect();
            assert_eq!(said, ["action", "description", "summary"], "{alert}");
            assert!(annotations.values().all(|text| text.len() > 10), "{alert}");
            assert!(lasting.is_none_or(|time| time.ends_with(['m', 'h'])), "{alert}");
        }
    }
    assert!(alerts.len() >= 10, "{alerts:?}");
}

#[test]
fn every_panel_of_the_dashboard_shows_metrics_that_exist() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let (names, mut ids, mut seen) = (names(), BTreeSet::new(), 0);
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            check(title, target["expr"].as_str().unwrap(), &names);
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}
