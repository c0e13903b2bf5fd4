//! Every rule at its boundary: the last request to which it does not apply, and the first to which it does.

use super::*;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::keys::SecretKey;

/// A Friday at noon, in milliseconds since 1970 UTC.
const NOON: u64 = 1_795_780_800_000;

fn address(name: &str) -> Address {
    Address::new(Network::Dev, SecretKey::from_seed(name.as_bytes()).public_key())
}

fn stg(text: &str) -> Amount {
    text.parse().unwrap()
}

fn payment(to: &str, account: Option<&str>, amount: &str) -> Payment {
    Payment {
        recipient: address(to).public_key().encoded(),
        account: account.map(str::to_owned),
        amount: stg(amount),
        private: false,
        with_certificate: false,
    }
}

/// 10 STG to each of two strangers, with change.
fn facts() -> Facts {
    Facts {
        inputs: 3,
        own_inputs: true,
        payments: vec![
            payment("bob", None, "10 STG"),
            payment("carol", None, "10 STG"),
            payment("hot", Some("hot"), "80 STG"),
        ],
        fee: stg("0.003 STG"),
        request_key: false,
        unknown_field: None,
        time: NOON,
    }
}

/// What left before: 5 STG half an hour ago.
fn totals() -> Totals {
    let mut totals = Totals::default();
    totals.add(NOON - 30 * 60_000, stg("5 STG"));
    totals
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, Network::Dev).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A rule that denies, and what allows the rest.
fn denying(tag: &str, settings: &str) -> Policy {
    policy(&format!(
        "[[rules]]\nrule = \"{tag}\"\naction = \"deny\"\n{settings}\n[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n"
    ))
}

/// What changes a request.
type Change = fn(&mut Facts);

/// The tag and the settings of a rule that just does not apply, of one that does, and what changes the request first.
type Case = (&'static str, String, String, Change);

/// The rules that say what is too much.
fn limits() -> Vec<Case> {
    let list = |names: &[&str]| {
        let names: Vec<String> =
            names.iter().map(|name| format!("{:?}", address(name).to_string())).collect();
        format!("recipients = [{}]", names.join(", "))
    };
    let (nobody, bob, own) = (list(&["dora"]), list(&["dora", "bob"]), list(&["hot"]));
    let as_is: Change = |_| {};
    let cases: Vec<(&str, &str, &str, Change)> = vec![
        ("policy-recipient-denied", &nobody, &bob, as_is),
        ("policy-recipient-denied", &nobody, &own, as_is),
        ("policy-change", "accounts = [\"hot\"]", "accounts = [\"cold\"]", as_is),
        ("policy-recipient-amount", "most = \"10 STG\"", "most = \"9.999999 STG\"", as_is),
        // Several outputs to the same recipient are one payment.
        ("policy-recipient-amount", "most = \"20 STG\"", "most = \"19.999999 STG\"", |facts| {
            facts.payments[1].recipient = facts.payments[0].recipient;
        }),
        ("policy-transaction-amount", "most = \"20 STG\"", "most = \"19.999999 STG\"", as_is),
        ("policy-hour-total", "most = \"25.003 STG\"", "most = \"25.002999 STG\"", as_is),
        ("policy-day-total", "most = \"25.003 STG\"", "most = \"25.002999 STG\"", as_is),
        ("policy-week-total", "most = \"25.003 STG\"", "most = \"25.002999 STG\"", as_is),
        ("policy-fee", "most = \"0.003 STG\"", "most = \"0.002999 STG\"", as_is),
        ("policy-fee-share", "most_percent = 2", "most_percent = 1", |facts| facts.fee = stg("2 STG")),
        ("policy-fee-share", "most_percent = 2", "most_percent = 1", |facts| facts.fee = stg("1.000001 STG")),
        ("policy-inputs", "most = 3", "most = 2", as_is),
        ("policy-delay", "seconds = 1800", "seconds = 1801", as_is),
        (
            "policy-hours",
            "from = \"12:00\"\nto = \"13:00\"\ndays = [\"fri\"]",
            "from = \"11:00\"\nto = \"12:00\"\ndays = [\"fri\"]",
            as_is,
        ),
    ];
    let owned = |(tag, fine, beyond, change): (&'static str, &str, &str, Change)| {
        (tag, fine.to_owned(), beyond.to_owned(), change)
    };
    cases.into_iter().map(owned).collect()
}

/// The rules about something that a request has, and what gives it to one.
const HAVING: [(&str, Change); 4] = [
    ("policy-private", |facts| facts.payments[0].private = true),
    ("policy-certificate", |facts| facts.payments[1].private = true),
    ("policy-request-key", |facts| facts.request_key = true),
    ("policy-unknown-field", |facts| facts.unknown_field = Some("colour".to_owned())),
];

/// The rules that say what is fine.
const ALLOWING: [&str; 3] = ["policy-any", "policy-own-accounts", "policy-recipient-allowed"];

#[test]
fn limits_apply_beyond_what_they_say() {
    for (tag, fine, beyond, change) in limits() {
        let mut facts = facts();
        change(&mut facts);
        let decision = denying(tag, &fine).judge(&facts, &totals());
        assert_eq!((decision.tag, decision.verdict), ("policy-any", Verdict::Allowed), "{tag} {fine}");
        let decision = denying(tag, &beyond).judge(&facts, &totals());
        assert_eq!((decision.tag, decision.place), (tag, Some(1)), "{beyond}: {decision:?}");
        assert_ne!(decision.verdict, Verdict::Allowed, "{tag} {beyond}");
    }
}

#[test]
fn what_a_request_has_or_has_not_applies_or_not() {
    for (tag, change) in HAVING {
        assert_eq!(denying(tag, "").judge(&facts(), &totals()).verdict, Verdict::Allowed, "{tag}");
        let mut changed = facts();
        change(&mut changed);
        let decision = denying(tag, "").judge(&changed, &totals());
        assert_eq!((decision.tag, decision.verdict), (tag, Verdict::Denied));
    }
    // Private change is not a payment to a stranger; and what can be shown has its certificate.
    let mut fine = facts();
    fine.payments[2].private = true;
    assert_eq!(denying("policy-private", "").judge(&fine, &totals()).verdict, Verdict::Allowed);
    fine.payments[0].private = true;
    fine.payments[0].with_certificate = true;
    assert_eq!(denying("policy-certificate", "").judge(&fine, &totals()).verdict, Verdict::Allowed);
}

#[test]
fn what_may_allow_allows_only_where_all_of_it_fits() {
    let text = |names: &[&str]| {
        let names: Vec<String> =
            names.iter().map(|name| format!("{:?}", address(name).to_string())).collect();
        format!(
            "[[rules]]\nrule = \"policy-recipient-allowed\"\naction = \"allow\"\nrecipients = [{}]",
            names.join(", ")
        )
    };
    assert_eq!(policy(&text(&["bob", "carol"])).judge(&facts(), &totals()).tag, "policy-recipient-allowed");
    let decision = policy(&text(&["bob"])).judge(&facts(), &totals());
    assert_eq!((decision.tag, decision.verdict), (DEFAULT, Verdict::Denied));

    let own = policy("[[rules]]\nrule = \"policy-own-accounts\"\naction = \"allow\"");
    assert_eq!(own.judge(&facts(), &totals()).tag, DEFAULT);
    let mut inside = facts();
    inside.payments.drain(..2);
    assert_eq!(own.judge(&inside, &totals()).verdict, Verdict::Allowed);
}

#[test]
fn without_a_policy_money_stays_where_it_is() {
    let mut little = facts();
    little.payments.iter_mut().for_each(|payment| payment.amount = stg("0.1 STG"));
    for (facts, tag) in [(little, DEFAULT), (facts(), "policy-day-total")] {
        let decision = Policy::default().judge(&facts, &Totals::default());
        assert_eq!((decision.tag, decision.verdict), (tag, Verdict::Denied));
        assert!(decision.reason.contains("--policy"), "{}", decision.reason);
    }
    let mut inside = facts();
    inside.payments.drain(..2);
    assert_eq!(Policy::default().judge(&inside, &Totals::default()).verdict, Verdict::Allowed);
    // Fees leave: a thousand a day, and no more.
    inside.fee = stg("1 STG");
    assert_eq!(Policy::default().judge(&inside, &Totals::default()).verdict, Verdict::Allowed);
    inside.fee = stg("1.000001 STG");
    let decision = Policy::default().judge(&inside, &Totals::default());
    assert_eq!((decision.tag, decision.place, decision.verdict), ("policy-day-total", None, Verdict::Denied));
}

#[test]
fn what_others_own_does_not_leave() {
    let mut foreign = facts();
    foreign.own_inputs = false;
    assert_eq!(foreign.outward(), Amount::ZERO);
    assert_eq!(
        denying("policy-hour-total", "most = \"1 STG\"").judge(&foreign, &Totals::default()).tag,
        "policy-any"
    );
    assert_eq!(
        denying("policy-transaction-amount", "most = \"1 STG\"").judge(&foreign, &totals()).verdict,
        Verdict::Denied
    );
}

#[test]
fn where_the_clock_jumped_nothing_is_allowed() {
    let any = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";
    let (hour, day) = (3_600_000, 24 * 3_600_000);
    let set = format!("[clock]\nback_seconds = 60\nforward_seconds = 120\n{any}");
    for (text, back, forward) in [(any, hour, 7 * day), (&set, 60_000, 120_000)] {
        let mut totals = Totals::default();
        totals.add(NOON, stg("1 STG"));
        let tag = |time| policy(text).judge(&Facts { time, ..facts() }, &totals).tag;
        assert_eq!((tag(NOON - back), tag(NOON + forward)), ("policy-any", "policy-any"));
        assert_eq!((tag(NOON - back - 1), tag(NOON + forward + 1)), (CLOCK, CLOCK));
        totals.confirm(NOON + forward + 1);
        let later = Facts { time: NOON + forward + 1, ..facts() };
        assert_eq!(policy(text).judge(&later, &totals).tag, "policy-any");
    }
    // Before the first signature there is nothing to jump from; and no policy is no excuse.
    assert_eq!(policy(any).judge(&facts(), &Totals::default()).tag, "policy-any");
    let mut old = Totals::default();
    old.add(NOON - 8 * day, stg("1 STG"));
    assert_eq!(Policy::default().judge(&facts(), &old).tag, CLOCK);
}

#[test]
fn the_first_that_applies_decides() {
    let rule = |tag: &str, action: &str, rest: &str| {
        format!("[[rules]]\nrule = \"{tag}\"\naction = \"{action}\"\n{rest}\n")
    };
    let (any, few) = (rule("policy-any", "allow", ""), rule("policy-inputs", "deny", "most = 1"));
    let decide = |text: String| {
        let decision = policy(&text).judge(&facts(), &totals());
        (decision.tag, decision.place)
    };
    assert_eq!(decide(any.clone() + &few), ("policy-any", Some(1)));
    assert_eq!(decide(few + &any), ("policy-inputs", Some(1)));
    let large = rule("policy-inputs", "deny", "most = 9");
    assert_eq!(decide(large + &any), ("policy-any", Some(2)));
}

#[test]
fn what_only_time_forbids_has_its_time() {
    let until = |tag: &str, settings: &str| match denying(tag, settings).judge(&facts(), &totals()).verdict {
        Verdict::Limited(until) => until,
        verdict => panic!("{tag}: {verdict:?}"),
    };
    let minute = 60_000;
    // The 5 STG of half an hour ago are out of the window then.
    assert_eq!(until("policy-hour-total", "most = \"24 STG\""), NOON + 31 * minute);
    assert_eq!(until("policy-delay", "seconds = 3600"), NOON + 30 * minute);
    let closed = "from = \"13:00\"\nto = \"14:00\"\ndays = [\"fri\"]";
    assert_eq!(until("policy-hours", closed), NOON + 60 * minute);
    // Whoever waits for one rule is not sent to the next.
    let both = policy(&format!(
        "[[rules]]\nrule = \"policy-hour-total\"\naction = \"deny\"\nmost = \"24 STG\"\n\
         [[rules]]\nrule = \"policy-hours\"\naction = \"deny\"\n{}\n\
         [[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n",
        closed.replace("fri", "sat")
    ));
    let decision = both.judge(&facts(), &totals());
    assert_eq!(
        (decision.tag, decision.verdict),
        ("policy-hour-total", Verdict::Limited(NOON + 25 * 60 * minute))
    );
    // Nor to a time at which it is denied; and where the clock must be confirmed then, that is said.
    let night = |rest: &str| {
        policy(&format!("[[rules]]\nrule = \"policy-hours\"\naction = \"deny\"\n{closed}\n{rest}"))
    };
    let own = night("[[rules]]\nrule = \"policy-own-accounts\"\naction = \"allow\"\n");
    assert_eq!(own.judge(&facts(), &totals()).verdict, Verdict::Denied);
    let any = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n[clock]\nforward_seconds = 1801\n";
    assert!(night(any).judge(&facts(), &totals()).reason.contains("must be confirmed"));
    // More than ever fits is not a matter of time.
    let never = denying("policy-hour-total", "most = \"20 STG\"").judge(&facts(), &totals());
    assert_eq!(never.verdict, Verdict::Denied);
}

#[test]
fn a_policy_has_no_more_rules_than_people_read() {
    let rules =
        |count: usize| "[[rules]]\nrule = \"policy-delay\"\naction = \"deny\"\nseconds = 1\n".repeat(count);
    assert!(Policy::parse(&rules(200), Network::Dev).is_ok());
    assert_eq!(Policy::parse(&rules(201), Network::Dev), Err(PolicyError::TooManyRules(201)));
}

#[test]
fn every_rule_can_ask_people_who_are_named() {
    let approvals = "[approvals]\nneeded = 1\napprovers = [{ name = \"bob\", uid = 1001 }]\n";
    let having = HAVING.map(|(tag, change)| (tag, String::new(), change));
    let limits = limits().into_iter().map(|(tag, _, beyond, change)| (tag, beyond, change));
    let list = format!("recipients = [{:?}, {:?}]", address("bob").to_string(), address("carol").to_string());
    let own: Change = |facts| drop(facts.payments.drain(..2));
    let allowing: [(&str, String, Change); 3] = [
        ("policy-any", String::new(), |_| {}),
        ("policy-own-accounts", String::new(), own),
        ("policy-recipient-allowed", list, |_| {}),
    ];
    for (tag, settings, change) in having.into_iter().chain(limits).chain(allowing) {
        let mut changed = facts();
        change(&mut changed);
        let rule = format!("[[rules]]\nrule = \"{tag}\"\naction = \"ask\"\n{settings}\n");
        let decision = policy(&format!("{approvals}{rule}")).judge(&changed, &totals());
        assert_eq!((decision.tag, decision.verdict), (tag, Verdict::Asked));
        let nobody = Policy::parse(&rule, Network::Dev).unwrap_err();
        assert_eq!(nobody, PolicyError::NobodyToAsk { place: 1, tag });
    }
    // Who is denied before, or must wait, is not asked about.
    let both = |action: &str, settings: &str| {
        let first = format!("[[rules]]\nrule = \"policy-delay\"\naction = \"{action}\"\n{settings}\n");
        let ask = "[[rules]]\nrule = \"policy-any\"\naction = \"ask\"\n";
        policy(&format!("{approvals}{first}{ask}")).judge(&facts(), &totals()).verdict
    };
    assert_eq!(both("deny", "seconds = 3600"), Verdict::Limited(NOON + 30 * 60_000));
    assert_eq!(both("deny", "seconds = 1800"), Verdict::Asked);
    for wrong in ["needed = 2", "needed = 0", "needed = 1\nexpire_hours = 0", "needed = 1\nexpire_days = 1"] {
        let text =
            approvals.replace("needed = 1", wrong) + "[[rules]]\nrule = \"policy-any\"\naction = \"ask\"\n";
        assert!(Policy::parse(&text, Network::Dev).is_err(), "{wrong}");
    }
}

#[test]
fn the_annotated_example_has_every_rule_and_every_rule_is_documented() {
    let example = include_str!("../../policy.toml.example");
    policy(example);
    policy(&example.replace("#:", ""));
    let documented = include_str!("../../../docs/policy.md");
    let limits = limits().into_iter().map(|(tag, ..)| tag);
    let tested: Vec<&str> =
        limits.chain(HAVING.map(|(tag, _)| tag)).chain(ALLOWING).chain([CLOCK, DEFAULT]).collect();
    for (tag, _) in EXPLAINED {
        assert!(documented.contains(&format!("`{tag}`")), "{tag} is not in docs/policy.md");
        assert!(tested.contains(&tag), "{tag} has no test");
        let written = if tag == CLOCK { "[clock]" } else { tag };
        assert!(tag == DEFAULT || example.contains(written), "{tag} is not in the example");
    }
    // And nothing has a tag that is not explained.
    let source = include_str!("rule.rs");
    let mut tags = source.split('"').filter(|text| text.starts_with("policy-"));
    assert_eq!(tags.find(|tag| !EXPLAINED.iter().any(|(known, _)| known == tag)), None);
}

#[test]
fn a_file_that_is_not_exactly_right_is_refused() {
    let good = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";
    for (text, part) in [
        ("", "no rule"),
        ("colour = 1", "colour"),
        (&format!("[clock]\ncolour = 1\n{good}"), "colour"),
        (&format!("[clock]\nback_seconds = -1\n{good}"), "back_seconds"),
        (&format!("[clock]\nforward_seconds = 0\n{good}"), "forward_seconds"),
        (&format!("{good}colour = 1"), "colour"),
        (&format!("{good}most = 5"), "most"),
        ("[[rules]]\nrule = \"policy-moon\"\naction = \"allow\"", "policy-moon"),
        ("[[rules]]\nrule = \"policy-any\"", "action"),
        ("[[rules]]\nrule = \"policy-any\"\naction = \"perhaps\"", "perhaps"),
        ("[[rules]]\nrule = \"policy-fee\"\naction = \"deny\"\nmost = 5", "expected a string"),
        ("[[rules]]\nrule = \"policy-fee\"\naction = \"deny\"\nmost = \"5\"", "unit"),
        ("[[rules]]\nrule = \"policy-fee\"\naction = \"deny\"\nmost = \"-5 STG\"", "amount"),
        ("[[rules]]\nrule = \"policy-fee\"\naction = \"allow\"\nmost = \"5 STG\"", "cannot be \"allow\""),
        ("[[rules]]\nrule = \"policy-own-accounts\"\naction = \"deny\"", "cannot be \"deny\""),
        (
            "[[rules]]\nrule = \"policy-recipient-allowed\"\naction = \"deny\"\nrecipients = []",
            "cannot be \"deny\"",
        ),
        ("[[rules]]\nrule = \"policy-recipient-denied\"\naction = \"deny\"\nrecipients = [\"moon\"]", "moon"),
        (
            "[[rules]]\nrule = \"policy-hours\"\naction = \"deny\"\nfrom = \"9\"\nto = \"10:00\"\ndays = []",
            "\"9\"",
        ),
    ] {
        let error = Policy::parse(text, Network::Dev).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let elsewhere = address("bob").to_string();
    let text = format!(
        "[[rules]]\nrule = \"policy-recipient-denied\"\naction = \"deny\"\nrecipients = [{elsewhere:?}]"
    );
    assert!(Policy::parse(&text, Network::Mainnet).unwrap_err().to_string().contains("rule 1"));
    // Whatever is in it, another file has another digest.
    assert_ne!(policy(good).digest(), policy(&format!("{good}\n")).digest());
}

/// It is shown on a terminal, and quotes the file.
#[test]
fn what_is_wrong_with_a_policy_file_is_said_harmlessly() {
    let long = format!("rules = \"{}\"", "x".repeat(10_000));
    for text in ["rule = \u{1b}[2J", "[[rules]]\nrule = \"policy-\\u001b[2J\"\naction = \"deny\"", &long] {
        let error = Policy::parse(text, Network::Dev).unwrap_err().to_string();
        assert!(error.chars().all(|it| it == '\n' || !it.is_control()), "{error:?}");
        assert!(error.lines().all(|line| line.len() <= 800), "{error:?}");
    }
}
