"""Writes vectors.json anew: trees of a few accounts with fixed salts, made without the explorer's code.

Each vector has a root, a proof, and whether the proof proves anything.
"""
import copy, hashlib, json, os

MAX = 2**63 - 1


def sha256(what, *parts):
    return hashlib.sha256(b"stegos reserves 1 " + what + b"\n" + b"".join(parts)).digest()


def number(amount):
    # As somebody would who cheats with a negative amount.
    return (amount % 2**64).to_bytes(8, "big")


def leaf(account, salt, amount):
    return sha256(b"leaf", sha256(b"id", salt, account.encode()), number(amount)), amount


def tree(leaves):
    """The root, and the path of each leaf. The left half is the largest power of two that leaves something over."""
    if len(leaves) == 1:
        return leaves[0], [[]]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    (left, left_paths), (right, right_paths) = tree(leaves[:half]), tree(leaves[half:])
    step = lambda side, node: {"side": side, "hash": node[0].hex(), "sum": node[1]}
    paths = [path + [step("right", right)] for path in left_paths]
    paths += [path + [step("left", left)] for path in right_paths]
    root = sha256(b"node", left[0], number(left[1]), right[0], number(right[1]))
    return (root, left[1] + right[1]), paths


def stg(micro):
    whole, rest = divmod(micro, 10**6)
    return "%d%s STG" % (whole, (".%06d" % rest).rstrip("0") if rest else "")


def made(amounts):
    """The root and the proofs of accounts with these amounts."""
    accounts = [("user-%d" % index, hashlib.sha256(b"salt %d" % index).digest()) for index in range(len(amounts))]
    (root, total), paths = tree([leaf(*account, amount) for account, amount in zip(accounts, amounts)])
    about = {"version": 1, "network": "dev", "epoch": 12}
    root = {
        **about, "block_hash": "07" * 32, "hash_function": "sha256", "root": root.hex(),
        "total": total, "total_text": stg(total), "accounts": len(amounts),
    }
    proofs = [
        {**about, "account": account, "salt": salt.hex(), "amount": amount, "path": path}
        for (account, salt), amount, path in zip(accounts, amounts, paths)
    ]
    return root, proofs


vectors = []


def vector(name, root, proof, ok):
    vectors.append({"name": name, "ok": ok, "root": root, "proof": proof})


def wrong(name, change, amounts=(5, 0, 12_500_000), who=1):
    root, proofs = copy.deepcopy(made(list(amounts)))
    change(root, proofs[who])
    vector(name, root, proofs[who], False)


for amounts in ([7], [1, 2], [5, 0, 12_500_000], [1, 2, 3, 4, 5], [10**6 * n for n in range(8)], [0, MAX, 0]):
    root, proofs = made(amounts)
    for index, proof in enumerate(proofs):
        vector("account %d of %d" % (index, len(amounts)), root, proof, True)

nothing = {"side": "left", "hash": "00" * 32, "sum": 0}
wrong("another amount", lambda root, proof: proof.update(amount=1))
wrong("another amount, and another total to fit", lambda root, proof: (
    proof.update(amount=1), root.update(total=12_500_006, total_text="12.500006 STG")))
wrong("another account", lambda root, proof: proof.update(account="user-2"))
wrong("another salt", lambda root, proof: proof.update(salt="00" * 32))
wrong("a salt that lends a byte to the account", lambda root, proof: proof.update(
    salt=proof["salt"] + "75", account="ser-1"))
wrong("another epoch", lambda root, proof: proof.update(epoch=13))
wrong("another network", lambda root, proof: proof.update(network="testnet"))
wrong("another version", lambda root, proof: (proof.update(version=2), root.update(version=2)))
wrong("another hash function", lambda root, proof: root.update(hash_function="sha1"))
wrong("another root", lambda root, proof: root.update(root="00" * 32))
wrong("another side", lambda root, proof: proof["path"][0].update(side="right"))
wrong("no side", lambda root, proof: proof["path"][0].update(side="above"))
wrong("a neighbour's sum is smaller", lambda root, proof: proof["path"][1].update(sum=12_000_000))
wrong("a neighbour's sum is hidden from the total", lambda root, proof: (
    proof["path"][1].update(sum=0), root.update(total=5, total_text="0.000005 STG")))
wrong("a step is missing", lambda root, proof: proof["path"].pop())
wrong("a step too many", lambda root, proof: proof["path"].append(nothing))
wrong("65 steps", lambda root, proof: proof.update(path=[nothing] * 65))
wrong("a fraction", lambda root, proof: proof.update(amount=0.0))
wrong("a text for an amount", lambda root, proof: proof.update(amount="0"))
# Its last byte would be the first one of the account: one leaf for two accounts.
short = hashlib.sha256(b"short salt").digest()[:31]
root, [proof] = made([7])
root["root"] = leaf("user-0", short, 7)[0].hex()
vector("a salt of 31 bytes and two blanks", root, {**proof, "salt": short.hex() + "  "}, False)
# These trees are whole; what is in them is not money.
wrong("a neighbour with a debt", lambda root, proof: None, (5, -3, 7), 0)
wrong("an account with a debt", lambda root, proof: None, (5, -3, 7), 1)
wrong("a total beyond what can be counted", lambda root, proof: root.update(total=0, total_text="0 STG"), (MAX, MAX, 2), 0)
wrong("a total beyond what can be counted, as it is", lambda root, proof: None, (MAX, 1), 0)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.json"), "w") as file:
    json.dump(vectors, file, indent=1)
    file.write("\n")
