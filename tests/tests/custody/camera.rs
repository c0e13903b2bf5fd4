//! Two cameras between both halves, and neither of them sees everything.

use custody_tests::camera::{message, pictures, save, seen, some};
use custody_tests::custody::Custody;
use serde_json::Value;
use std::fs;

const STG: i64 = 1_000_000;

#[test]
fn a_hundred_inputs_cross_the_gap_in_pictures_and_the_answer_comes_back() {
    let custody = Custody::new(4, &["alice", "bob"]);
    let explorer = custody.world.follow();
    for account in ["alice", "bob"] {
        custody.deposit(&[(account, 10 * STG); 50]);
    }
    custody.finish_epoch(&explorer);
    let sweep = custody.handoff(&["sweep", "--all"])[0];
    let request = fs::read(custody.request(sweep)).unwrap();
    let inputs = serde_json::from_slice::<Value>(&request).unwrap()["txins"].as_array().map(Vec::len);
    assert_eq!(inputs, Some(100));

    let (taken, shown) = (custody.world.path("taken"), custody.world.path("shown"));
    save(&seen(&request, 1), &taken);
    let [taken, out] = [&taken, &shown].map(|path| path.to_string_lossy().into_owned());
    custody.store.ok(&["sign", "--qr", &taken, "--once", "--qr-out", &out]);
    let all = pictures(&shown);
    let answer = message(&some(all.clone(), 2));
    println!("{} bytes asked, {} answered, {} pictures", request.len(), answer.len(), all.len());

    // It is what a file would have got.
    let file = custody.sign(sweep);
    assert_eq!(fs::read(&file).unwrap(), answer);
    fs::remove_file(&file).unwrap();
    fs::write(&file, answer).unwrap();
    let output = custody.broadcast(&file, &[]);
    assert!(output.status.success(), "{output:?}");
    custody.wait(sweep, &["accepted"]);
    custody.world.mine(1);
    custody.wait(sweep, &["prepared", "final"]);
    drop(explorer);
}
