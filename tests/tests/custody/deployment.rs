//! The page that takes an operator from two bare hosts to the first withdrawal, typed. What is the system's, not ours, is
//! left out: packages, users, services, editors.

use age::secrecy::ExposeSecret;
use custody_tests::custody::{Custody, address};
use custody_tests::explorer::World;
use custody_tests::store::Store;
use custody_tests::terminal::on_a_terminal;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use stegos_common::address::Network;

/// How the lines begin that need another host than this one.
const OF_THE_SYSTEM: [&str; 10] =
    ["alias ", "cd ", "dpkg ", "editor ", "install ", "rm ", "sha256sum ", "systemctl ", "systemd-", "#"];

/// The commands of the page.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The words of a line; only single quotes are used there.
fn words(line: &str) -> Vec<String> {
    let quoted = |(place, part): (usize, &str)| match place % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    };
    line.split('\'').enumerate().flat_map(quoted).collect()
}

#[test]
fn the_deployment_ends_with_a_final_withdrawal() {
    let custody = Custody { world: World::of(Network::Dev, 4), store: Store::none(Network::Dev) };
    let home = custody.world.home();
    let identity = age::x25519::Identity::generate();
    fs::write(home.join("recipients.txt"), identity.to_public().to_string()).unwrap();
    fs::write(home.join("key.txt"), identity.to_string().expose_secret()).unwrap();
    fs::set_permissions(home.join("key.txt"), Permissions::from_mode(0o600)).unwrap();
    let page = include_str!("../../../docs/deployment.md").replace("mainnet", "dev");
    let page = page.replace("ADDRESS", &address("a stranger").to_string());
    let page =
        page.replace("/etc/cold-signer/policy.toml", custody.store.path("policy.toml").to_str().unwrap());
    let page = page.replace("/run/trial/", &format!("{}/", home.display()));
    let commands = commands(&page);
    assert!(commands.len() > 40, "{commands:?}");
    let mut explorer = None;
    let (mut typed, mut left_out) = (0, 0);
    for line in commands {
        if line == "explorer status" && explorer.is_none() {
            explorer = Some(custody.world.follow());
        }
        if line == "explorer balance alice" {
            custody.deposit_to(&[(custody.store.addresses()["alice"], 5_000_000)]);
            explorer.iter().for_each(|explorer| custody.finish_epoch(explorer));
        }
        let words = words(line);
        let args: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let mut command = match words[0].as_str() {
            "signer" => custody.store.command(&args),
            "explorer" => custody.world.command(&args),
            _ => {
                assert!(OF_THE_SYSTEM.iter().any(|begin| line.starts_with(begin)), "{line}");
                left_out += 1;
                continue;
            }
        };
        typed += 1;
        command.current_dir(home);
        if line == "signer phrase show" {
            let shown = on_a_terminal(&command, "show\n");
            assert!(String::from_utf8_lossy(&shown.stdout).contains("24"), "{shown:?}");
            continue;
        }
        if words[0] == "explorer" {
            command.env("OUTPUT_EXPLORER_TREASURY", "hot");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The chain goes on while somebody waits.
        while line.contains("--wait") && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(50));
            custody.world.mine(1);
        }
        let output = child.wait_with_output().unwrap();
        // What `doctor` finds on the host of a test is not ours to mend.
        assert!(output.status.success() || line == "signer doctor", "{line}: {output:?}");
    }
    println!("{typed} commands typed, {left_out} are the system's");
    assert!(typed > 20);
    let transactions = custody.world.ok(&["transaction", "list"]);
    assert_eq!(transactions.matches("final").count(), 2, "{transactions}");
}
