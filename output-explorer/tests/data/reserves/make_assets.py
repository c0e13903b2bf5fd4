"""Writes attestations.json anew: lists of outputs and attestations of a few fixed keys, made without the code of signer
and explorer.

Each vector has a root, a list of outputs, attestations, and whether they prove anything; right ones have the secret keys.
"""
import copy, hashlib, json, os

from verify_assets import (
    D, G, IDENTITY, ORDER, P, PREFIXES, SQRT_M1, challenge, checksum, inverse_root, is_negative, list_hash, message,
    scalar, sha3, spread, stg, times,
)

MAX = 2**63 - 1
INVERSE_ROOT_A_MINUS_D = inverse_root(1, (-1 - D) % P)[1]


def absolute(x):
    return P - x % P if is_negative(x) else x % P


def encode(point):
    """RFC 9496, 4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    root = inverse_root(1, u1 * u2 * u2 % P)[1]
    den1, den2 = root * u1 % P, root * u2 % P
    z_inverse = den1 * den2 * t % P
    if is_negative(t * z_inverse):
        x, y, den = y * SQRT_M1 % P, x * SQRT_M1 % P, den1 * INVERSE_ROOT_A_MINUS_D % P
    else:
        den = den2
    y = P - y if is_negative(x * z_inverse) else y
    return absolute(den * (z - y)).to_bytes(32, "little")


class Key:
    def __init__(self, name):
        self.secret = scalar(sha3(name.encode()))
        self.public = encode(times(self.secret, G))

    def sign(self, root, outputs_hash):
        digest = message(root, outputs_hash, self.public)
        # The nonce of the protocol: from the key and the message.
        nonce = scalar(sha3(digest, b"SecretKeyFr", self.secret.to_bytes(32, "little")))
        point = encode(times(nonce, G))
        u = (nonce + challenge(point, self.public, digest) * self.secret) % ORDER
        return u.to_bytes(32, "little") + point


def address(key, network):
    number = int.from_bytes(key, "big") << 4
    values = [number >> 5 * place & 31 for place in reversed(range(52))]
    rest = checksum(spread(PREFIXES[network]) + values + [0] * 6) ^ 1
    values += [rest >> 5 * place & 31 for place in reversed(range(6))]
    return PREFIXES[network] + "1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in values)


def about(network, total):
    return {
        "version": 1, "network": network, "epoch": 12, "block_hash": "07" * 32, "hash_function": "sha256",
        "root": "0b" * 32, "total": total, "total_text": stg(total), "accounts": 3,
    }


def listed(root, owned):
    outputs = [
        {"output_hash": sha3(b"output %d" % index).hex(), "recipient": address(key, root["network"]), "amount": amount}
        for index, (key, amount) in enumerate(owned)
    ]
    total = sum(amount for _, amount in owned)
    return {
        "version": 1, "network": root["network"], "epoch": root["epoch"], "block_hash": root["block_hash"],
        "outputs": sorted(outputs, key=lambda output: output["output_hash"]), "total": total, "total_text": stg(total),
    }


def attested(root, assets, signatures):
    """`signatures` are of keys, made of the hash of the list."""
    outputs_hash = list_hash(assets["outputs"], root["network"])
    signed = [(key, sign(outputs_hash)) for key, sign in signatures]
    statement = {name: root[name] for name in ("network", "epoch", "block_hash", "root")}
    return {
        "version": 1, "statement": {**statement, "debts": root["total"], "assets_hash": outputs_hash.hex()},
        "signatures": [
            {"recipient": address(key, root["network"]), "signature": signature.hex()}
            for key, signature in sorted(signed)
        ],
    }


def by(root, *keys):
    return [(key.public, lambda outputs_hash, key=key: key.sign(root, outputs_hash)) for key in keys]


alice, bob, carol = Key("alice"), Key("bob"), Key("carol")
vectors = []


def vector(name, root, assets, attestations, ok, keys=()):
    vectors.append({
        "name": name, "ok": ok, "keys": [key.secret.to_bytes(32, "little").hex() for key in keys],
        "root": root, "assets": assets, "attestations": attestations,
    })


def right(name, owned, debts=10**6, network="dev"):
    root = about(network, debts)
    assets = listed(root, [(key.public, amount) for key, amount in owned])
    keys = list(dict.fromkeys(key for key, _ in owned))
    vector(name, root, assets, [attested(root, assets, by(root, *keys))], True, keys)


def wrong(name, change, again=False):
    """An attestation of two keys that is altered; `again` signs what was altered."""
    root = about("dev", 10**6)
    assets = listed(root, [(alice.public, 5), (bob.public, 7), (bob.public, 9)])
    attestation = attested(root, assets, by(root, alice, bob))
    change(root, assets, attestation)
    if again:
        attestation = attested(root, assets, by(root, alice, bob))
    vector(name, root, assets, [attestation], False)


for network in PREFIXES:
    right("one output of %s" % network, [(alice, 1)], network=network)
right("several outputs of one key", [(alice, 1), (alice, 2), (alice, 3)])
right("several keys", [(alice, 1), (bob, 10**12), (carol, 3), (alice, 5)])
right("as much as can be counted", [(alice, MAX - 1), (bob, 1)], debts=MAX)
right("no debts", [(alice, 1)], debts=0)
root = about("dev", 10**6)
assets = listed(root, [(alice.public, 5), (bob.public, 7), (carol.public, 9)])
parts = [attested(root, assets, by(root, *keys)) for keys in ([alice, bob], [bob, carol], [])]
vector("keys of two stores, one of them in both", root, assets, parts[:2], True)
vector("a store without keys beside others", root, assets, parts, True)
vector("a key of none of the stores", root, assets, parts[:1], False)
vector("no attestation", root, assets, [], False)

first = lambda attestation: attestation["signatures"][0]
wrong("another amount", lambda root, assets, _: assets["outputs"][0].update(amount=6))
wrong("another amount, and another total to fit", lambda root, assets, _: (
    assets["outputs"][0].update(amount=assets["outputs"][0]["amount"] + 1), assets.update(total=22, total_text=stg(22))))
wrong("another total", lambda root, assets, _: assets.update(total=22, total_text=stg(22)), again=True)
wrong("another text of the total", lambda root, assets, _: assets.update(total_text="21 STG"), again=True)
wrong("an output twice", lambda root, assets, _: (
    assets["outputs"].insert(0, assets["outputs"][0]),
    assets.update(total=21 + assets["outputs"][0]["amount"], total_text=stg(21 + assets["outputs"][0]["amount"]))), again=True)
wrong("outputs out of order", lambda root, assets, _: assets["outputs"].reverse(), again=True)
wrong("no outputs", lambda root, assets, attestation: (
    assets.update(outputs=[], total=0, total_text="0 STG"), attestation.update(signatures=[])))
wrong("another list", lambda root, assets, _: (
    assets["outputs"].pop(),
    assets.update(total=sum(output["amount"] for output in assets["outputs"])),
    assets.update(total_text=stg(assets["total"]))))
wrong("an output of another recipient", lambda root, assets, _: assets["outputs"][0].update(
    recipient=address(carol.public, "dev")))
wrong("another network", lambda root, assets, _: root.update(network="testnet"))
wrong("another network everywhere but in the addresses", lambda root, assets, attestation: (
    root.update(network="testnet"), assets.update(network="testnet"), attestation["statement"].update(network="testnet")))
for name, value in (("epoch", 13), ("block_hash", "08" * 32)):
    wrong("another %s" % name, lambda root, assets, _: root.update({name: value}))
    wrong("another %s of the list too" % name, lambda root, assets, _: (
        root.update({name: value}), assets.update({name: value})))
    wrong("another %s everywhere" % name, lambda root, assets, attestation: (
        root.update({name: value}), assets.update({name: value}), attestation["statement"].update({name: value})))
wrong("another root", lambda root, assets, _: root.update(root="0c" * 32))
wrong("another root in the statement too", lambda root, assets, attestation: (
    root.update(root="0c" * 32), attestation["statement"].update(root="0c" * 32)))
wrong("other debts", lambda root, assets, _: root.update(total=5, total_text=stg(5)))
wrong("other debts in the statement too", lambda root, assets, attestation: (
    root.update(total=5, total_text=stg(5)), attestation["statement"].update(debts=5)))
for what in range(3):
    wrong("another version (%d)" % what, lambda *documents: documents[what].update(version=2))
wrong("another hash function", lambda root, assets, _: root.update(hash_function="sha1"))
wrong("a field too many", lambda root, assets, attestation: attestation.update(comment=""))
wrong("a field too many in a signature", lambda root, assets, attestation: first(attestation).update(comment=""))
wrong("a signature of another key", lambda root, assets, attestation: first(attestation).update(
    signature=attestation["signatures"][1]["signature"]))
wrong("a signature is missing", lambda root, assets, attestation: attestation["signatures"].pop())
wrong("a signature twice", lambda root, assets, attestation: attestation["signatures"].insert(0, first(attestation)))
wrong("signatures out of order", lambda root, assets, attestation: attestation["signatures"].reverse())
wrong("a short signature", lambda root, assets, attestation: first(attestation).update(
    signature=first(attestation)["signature"][:-2]))


def forge(name, forged):
    """One key of two signs; the other signature is made up."""
    root = about("dev", 10**6)
    assets = listed(root, [(alice.public, 5), (bob.public, 7)])
    vector(name, root, assets, [attested(root, assets, by(root, bob) + [(alice.public, forged)])], False)


def half(signature):
    return int.from_bytes(signature[:32], "little")


genuine = lambda outputs_hash: alice.sign(about("dev", 10**6), outputs_hash)
forge("nothing but zeros", lambda _: bytes(64))
forge("one bit of u", lambda outputs_hash: bytes([genuine(outputs_hash)[0] ^ 1]) + genuine(outputs_hash)[1:])
forge("one bit of K", lambda outputs_hash: genuine(outputs_hash)[:32] + bytes(
    [genuine(outputs_hash)[32] ^ 2]) + genuine(outputs_hash)[33:])
forge("u above the order", lambda outputs_hash: (half(genuine(outputs_hash)) + ORDER).to_bytes(32, "little")
      + genuine(outputs_hash)[32:])
forge("K is no point", lambda outputs_hash: genuine(outputs_hash)[:32] + b"\xff" * 32)
forge("a signature of the plain hash of the list", lambda outputs_hash: (
    lambda nonce: ((nonce + challenge(encode(times(nonce, G)), alice.public, outputs_hash) * alice.secret) % ORDER)
    .to_bytes(32, "little") + encode(times(nonce, G)))(12345))
forge("the nonce point is made to fit another message", lambda outputs_hash: bob.sign(about("dev", 10**6), outputs_hash))

# Everybody knows the secret key of the neutral element, zero; and some recipients are no points at all.
for name, key in (("the key zero", bytes(32)), ("a key that is no point", b"\xff" * 32)):
    root = about("dev", 10**6)
    assets = listed(root, [(alice.public, 5), (key, 10**9)])
    zero = lambda outputs_hash: (54321).to_bytes(32, "little") + encode(times(54321, G))
    vector(name, root, assets, [attested(root, assets, by(root, alice) + [(key, zero)])], False)

# Nobody needs it, so it says something else than it seems to.
root = about("dev", 10**6)
assets = listed(root, [(alice.public, 5)])
vector("a key of none of the outputs", root, assets, [attested(root, assets, by(root, alice, bob))], False)
too_much = listed(root, [(alice.public, MAX), (bob.public, 1)])
vector("more than can be counted", root, too_much, [attested(root, too_much, by(root, alice, bob))], False)
too_little = listed(root, [(alice.public, 5)])
too_little.update(total=0, total_text="0 STG")
too_little["outputs"].append({**copy.deepcopy(too_little["outputs"][0]), "output_hash": "ff" * 32, "amount": -5})
vector("a negative amount", root, too_little, [attested(root, assets, by(root, alice))], False)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "attestations.json"), "w") as file:
    json.dump(vectors, file, indent=1)
    file.write("\n")
