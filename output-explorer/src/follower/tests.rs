//! What the follower asks and changes, scenario by scenario.
//!
//! Chains are texts: `0` is the macro block of epoch 0, `1.2` is micro block 2 of epoch 1, `1.2b` is another one in its
//! place. A talk is one too: `status?`, `1.2?` and `1?` are questions, `+1.2` connects a block, `-` takes the last one
//! back, `=1` closes the epoch.

use super::*;
use crate::block::{Position, Transaction};
use stegos_common::api::encoding::Timestamp;

const TIME: Timestamp = Timestamp::from_unix_nanos(0);

fn id(name: &str) -> Hash {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Hash::from_bytes(bytes)
}

fn name(id: Hash) -> String {
    String::from_utf8(id.as_bytes().iter().copied().take_while(|byte| *byte != 0).collect()).unwrap()
}

/// Blocks, each with the one before as its previous one.
fn blocks(text: &str) -> Vec<Block> {
    let (mut last, mut last_macro) = (id("genesis"), id("genesis"));
    let block = |name: &str| {
        let number = name.trim_end_matches(char::is_alphabetic);
        let block = match number.split_once('.') {
            Some((epoch, offset)) => Block::Micro(MicroBlock {
                id: id(name),
                previous: last,
                epoch: epoch.parse().unwrap(),
                offset: offset.parse().unwrap(),
                time: TIME,
                transactions: Vec::<Transaction>::new(),
            }),
            None => {
                let previous = std::mem::replace(&mut last_macro, id(name));
                let (inputs, outputs) = (Vec::new(), Vec::new());
                let epoch = number.parse().unwrap();
                Block::Macro(MacroBlock { id: id(name), previous, epoch, time: TIME, inputs, outputs })
            }
        };
        last = id(name);
        block
    };
    text.split_whitespace().map(block).collect()
}

fn stored(text: &str) -> Chain {
    let mut chain = Chain::default();
    for block in blocks(text) {
        match block {
            Block::Micro(block) => chain.micros.push(block.id),
            Block::Macro(block) => {
                chain.macros.push(block.id);
                chain.micros.clear();
            }
        }
    }
    chain
}

/// A node that answers from one chain, and tells the end of another, which an honest one does not.
struct Node {
    blocks: Vec<Block>,
    end: Chain,
    is_synchronized: bool,
}

impl Node {
    /// `~` is before the chain of a node that is catching up.
    fn new(text: &str) -> Self {
        let chain = text.trim_start_matches('~');
        Self { blocks: blocks(chain), end: stored(chain), is_synchronized: chain == text }
    }

    fn status(&self) -> Event {
        Event::Status(Status {
            is_synchronized: self.is_synchronized,
            epoch: self.end.epoch(),
            offset: self.end.offset(),
            view_change: 0,
            last_block_hash: self.end.last().unwrap_or(id("genesis")),
            last_macro_block_hash: self.end.before(0).unwrap_or(id("genesis")),
            last_macro_block_timestamp: TIME,
            local_timestamp: TIME,
        })
    }

    fn answer(&self, question: Question) -> Event {
        let position = match question {
            Question::Status => return self.status(),
            Question::Micro { epoch, offset } => Position::micro(epoch, offset),
            Question::Macro { epoch } => Position::macro_block(epoch),
        };
        self.block(|block| block.position() == position).map_or(Event::Missing, Event::Answered)
    }

    fn block(&self, is_it: impl Fn(&&Block) -> bool) -> Option<Block> {
        self.blocks.iter().find(is_it).cloned()
    }
}

/// Hears an event and all answers that follow.
fn hear(follower: &mut Follower, node: &Node, event: Event) -> Vec<String> {
    let (mut talk, mut next) = (Vec::new(), Some(event));
    while let Some(event) = next.take() {
        let Ok(changes) = follower.handle(event) else {
            talk.push("other-chain".to_owned());
            break;
        };
        for change in changes {
            talk.push(match &change {
                Change::Connect(block) => format!("+{}", name(block.id)),
                Change::Disconnect => "-".to_owned(),
                Change::Close(block) => format!("={}", name(block.id)),
            });
            follower.apply(&change);
        }
        let question = follower.question();
        talk.extend(question.map(|question| match question {
            Question::Status => "status?".to_owned(),
            Question::Micro { epoch, offset } => format!("{epoch}.{offset}?"),
            Question::Macro { epoch } => format!("{epoch}?"),
        }));
        assert!(talk.len() < 1000, "it asks for ever: {talk:?}");
        next = question.map(|question| node.answer(question));
    }
    talk
}

/// What is asked and changed when a node with another chain says something.
fn talk(follower: &mut Follower, node: &Node, events: &str) -> String {
    let event = |word: &str| match word {
        "connected" => Event::Connected,
        "poll" => Event::Poll,
        "reverted" => Event::Reverted,
        "refused" => Event::Refused,
        block => Event::Notified(node.block(|known| known.id() == id(block)).unwrap()),
    };
    let talk = events.split_whitespace().flat_map(|word| hear(follower, node, event(word)));
    talk.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_heard_is_what_is_done() {
    #[rustfmt::skip]
    let scenarios = [
        ("nothing new", "0 1.0", "0 1.0", "poll", "status?"),
        ("the first start", "", "0 1.0 1 2.0", "connected", "status? 0? =0 1? =1 2.0? +2.0"),
        ("the first block is heard first", "", "0", "0", "=0"),
        ("a node without blocks", "", "", "connected", "status?"),
        ("the next block", "0 1.0", "0 1.0 1.1", "1.1", "+1.1"),
        ("the first block of an epoch", "0", "0 1.0", "1.0", "+1.0"),
        ("a block comes twice", "0 1.0", "0 1.0 1.1", "1.1 1.1", "+1.1"),
        ("a block comes late", "0 1.0 1.1", "0 1.0 1.1", "1.0", ""),
        ("a block of an old epoch comes late", "0 1.0 1 2.0", "0 1.0 1 2.0", "1.0", ""),
        ("an old macro block comes late", "0 1 2.0", "0 1 2.0", "0", ""),
        ("a gap", "0", "0 1.0 1.1 1.2", "1.2", "status? 1.0? +1.0 1.1? +1.1 1.2? +1.2"),
        ("blocks come in the wrong order", "0", "0 1.0 1.1", "1.1 1.0", "status? 1.0? +1.0 1.1? +1.1"),
        ("the macro block is not sent", "0 1.0", "0 1.0 1 2.0", "2.0", "status? 1? =1 2.0? +2.0"),
        ("the macro block is not sent, nor anything else", "0 1.0", "0 1.0 1", "poll", "status? 1? =1"),
        ("the macro block is sent", "0 1.0", "0 1.0 1", "1", "=1"),
        ("the macro block comes before the last micro block", "0 1.0", "0 1.0 1.1 1", "1 1.1", "=1"),
        ("a macro block of a later epoch is sent", "0", "0 1 2", "2", "status? 1? =1 2? =2"),
        ("a silent revert", "0 1.0 1.1", "0 1.0", "poll", "status? -"),
        ("a silent revert of the whole epoch", "0 1.0 1.1", "0", "poll", "status? - -"),
        ("a silent replacement", "0 1.0 1.1", "0 1.0 1.1b", "poll", "status? 1.1? - +1.1b"),
        ("a block after a silent replacement", "0 1.0", "0 1.0b 1.1b", "1.1b",
            "status? 1.1? 1.0? - +1.0b 1.1? +1.1b"),
        ("another block in the place of the last one", "0 1.0", "0 1.0b", "1.0b", "status? 1.0? - +1.0b"),
        ("a shorter branch", "0 1.0 1.1 1.2", "0 1.0b 1.1b", "poll",
            "status? 1.1? 1.0? - - - +1.0b 1.1? +1.1b"),
        ("an announced revert", "0 1.0 1.1", "0 1.0", "reverted", "status? -"),
        ("announced reverts at the end of an epoch undo nothing", "0 1.0 1.1", "0 1.0 1.1 1",
            "reverted reverted 1", "status? 1? =1 status?"),
        ("a node that is catching up", "0 1.0 1.1", "~0 1.0", "poll", "status?"),
        ("a node that is catching up, at the start of the epoch", "0 1.0 1.1", "~0", "poll", "status?"),
        ("a node that is an epoch behind", "0 1.0 1 2.0", "0 1.0", "poll", "status?"),
        ("a node that is an epoch behind says what is old", "0 1.0 1 2.0", "~0 1.0", "1.0 poll", "status?"),
        ("a node that is catching up on another branch", "0 1.0 1.1", "~0 1.0b", "poll", "status? 1.0? - - +1.0b"),
        ("a refused block is read at the next poll", "0", "0 1.0", "refused poll", "status? 1.0? +1.0"),
        ("another first block", "0 1.0", "0b 1.0b", "poll", "status? 0? other-chain"),
        ("another first block is sent", "0 1.0", "0b", "0b", "other-chain"),
        ("a macro block that does not follow", "0 1.0", "0b 1", "poll", "status? 1? other-chain"),
        ("a macro block that does not follow is sent", "0 1.0", "0b 1", "1", "other-chain"),
        ("another last macro block", "0 1", "0 1b 2.0", "poll", "status? 1? other-chain"),
        ("a micro block after another macro block", "0 1", "0 1b 2.0", "2.0", "status? 1? other-chain"),
        ("another macro block long ago", "0 1 2", "0 1b", "poll", "status? 1? other-chain"),
    ];
    for (scenario, before, node, events, expected) in scenarios {
        let (mut follower, node) = (Follower::new(stored(before)), Node::new(node));
        assert_eq!(talk(&mut follower, &node, events), expected, "{scenario}");
        if !expected.ends_with("other-chain") {
            assert!(follower.is_settled(), "{scenario}");
            assert_eq!(talk(&mut follower, &node, "poll"), "status?", "{scenario}, a poll later");
        }
    }
}

/// An epoch with blocks of one branch, then of another.
fn epoch(common: usize, others: usize) -> String {
    let common = (0..common).map(|offset| format!(" 1.{offset}"));
    let start = common.len();
    let others = (start..start + others).map(|offset| format!(" 1.{offset}b"));
    ["0".to_owned()].into_iter().chain(common).chain(others).collect()
}

#[test]
fn every_depth_of_a_revert_is_found() {
    for depth in 1..60 {
        for replaced in [0, 1, depth, depth + 1] {
            let node = Node::new(&epoch(59 - depth, replaced));
            let mut follower = Follower::new(stored(&epoch(59, 0)));
            let talk = talk(&mut follower, &node, "poll");
            assert_eq!(*follower.chain(), node.end, "{depth} reverted, {replaced} replaced");
            assert_eq!(talk.matches('-').count(), depth, "no more is undone than must be: {talk}");
            assert_eq!(talk.matches('+').count(), replaced, "{talk}");
        }
    }
}

#[test]
fn a_node_that_contradicts_itself_is_left_alone_until_the_next_poll() {
    for (before, end, answers) in [
        ("0 1.0", "0 1.0b", "0 1.0"),
        ("0 1.0", "0 1.0 1.1", "0 1.0"),
        ("0 1.0", "0 1.0 1.1b", "0 1.0 1.1"),
        ("0 1.0", "0 1.0 1 2.0", "0 1.0"),
        ("0 1.0", "0 1.0b", ""),
        ("0 1.0", "0b 1.0", "0 1.0"),
        ("", "0", ""),
    ] {
        let node = Node { end: stored(end), ..Node::new(answers) };
        let mut follower = Follower::new(stored(before));
        for _ in 0..2 {
            let talk = talk(&mut follower, &node, "poll");
            assert!(talk.matches('?').count() <= 20, "{end} and {answers}: {talk}");
            assert!(follower.is_settled());
        }
    }
}

#[test]
fn a_first_micro_block_after_another_macro_block_is_of_another_chain() {
    let node = Node { end: stored("0 1.0b"), ..Node::new("0b 1.0b") };
    let mut follower = Follower::new(stored("0 1.0"));
    assert_eq!(talk(&mut follower, &node, "poll"), "status? 1.0? 0? other-chain");
}

/// Each answer is a good block in the place of the one before, and the status names neither.
#[test]
fn a_node_that_changes_its_mind_for_ever_is_left_alone_until_the_next_poll() {
    let minds = [Node::new("0 1.0b"), Node::new("0 1.0c")];
    let mut follower = Follower::new(stored("0 1.0"));
    let mut event = Event::Poll;
    for turn in 0.. {
        assert!(turn < 10_000, "it asks for ever");
        for change in follower.handle(event).unwrap() {
            follower.apply(&change);
        }
        event = match follower.question() {
            None => break,
            Some(Question::Status) => Node { end: stored("0 1.0d"), ..Node::new("") }.status(),
            Some(question) => minds[turn % 2].answer(question),
        };
    }
    assert!(follower.is_settled());
}

#[test]
fn words_without_a_question_do_not_wear_the_follower_out() {
    let node = Node::new("0 1.0 1.1 1.2");
    let mut follower = Follower::new(stored("0 1.0"));
    assert_eq!(talk(&mut follower, &node, &"1.0 ".repeat(100)), "");
    assert_eq!(talk(&mut follower, &node, "1.2"), "status? 1.1? +1.1 1.2? +1.2");
}

#[test]
fn a_subscription_counts_as_dropped_when_polls_find_what_was_not_sent() {
    let mut follower = Follower::new(stored("0"));
    let mut is_dropped = |node: &str, events: &str| {
        talk(&mut follower, &Node::new(node), events);
        follower.is_dropped()
    };
    assert!(!is_dropped("0 1.0", "poll"));
    assert!(!is_dropped("0 1.0", "poll poll poll poll"), "nothing was to be sent");
    assert!(!is_dropped("0 1.0 1.1", "poll"));
    assert!(!is_dropped("0 1.0 1.1 1.2", "1.2"), "something was sent");
    assert!(!is_dropped("0 1.0 1.1 1.2 1.3", "poll"));
    assert!(!is_dropped("0 1.0 1.1 1.2 1.3 1.4", "poll"));
    assert!(is_dropped("0 1.0 1.1 1.2 1.3 1.4 1.5", "poll"));
    follower.handle(Event::Subscribed).unwrap();
    assert!(!follower.is_dropped());
}

#[test]
fn a_status_that_is_older_than_a_block_reverts_nothing() {
    let (old, new) = (Node::new("0 1.0"), Node::new("0 1.0 1.1"));
    let mut follower = Follower::new(stored("0 1.0"));
    follower.handle(Event::Poll).unwrap();
    assert_eq!(follower.question(), Some(Question::Status));
    let changes = follower.handle(Event::Notified(new.blocks[2].clone())).unwrap();
    assert!(matches!(changes.as_slice(), [Change::Connect(_)]));
    follower.apply(&changes[0]);
    assert_eq!(follower.handle(old.status()), Ok(Vec::new()), "it was on its way when the block came");
    assert_eq!(follower.question(), Some(Question::Status), "what is true now");
    assert_eq!(hear(&mut follower, &old, old.status()), ["-"]);
}

#[test]
fn what_happens_on_the_way_is_looked_at_in_the_end() {
    let (old, new) = (Node::new("0 1.0"), Node::new("0 1.0 1.1"));
    let mut follower = Follower::new(stored("0"));
    follower.handle(Event::Poll).unwrap();
    assert_eq!(follower.question(), Some(Question::Status));
    follower.handle(old.status()).unwrap();
    let question = follower.question().unwrap();
    follower.handle(Event::Reverted).unwrap();
    assert_eq!(hear(&mut follower, &new, old.answer(question)), ["+1.0", "status?", "1.1?", "+1.1"]);
}
