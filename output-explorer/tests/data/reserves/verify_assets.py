"""Checks attestations of the list of outputs without the code of signer and explorer, and without any package:

    python3 verify_assets.py root.json assets.json attestation.json ...

It is slow, about 10 ms for each key, and its arithmetic takes no care of secrets: it is for checking only.
"""
import hashlib, json, sys

# Ristretto255, RFC 9496: the field, the group's order, the curve.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
PREFIXES = {"mainnet": "stg", "testnet": "stt", "devnet": "str", "dev": "dev"}
IDENTITY = (0, 1, 1, 0)


def need(is_so, why):
    if not is_so:
        sys.exit("NOT PROVED: " + why)


def is_negative(x):
    return x % P & 1


def inverse_root(u, v):
    """Whether u/v is a square, and the root of it, or of its product with the root of -1."""
    root = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * root * root % P
    if check in (-u % P, -u * SQRT_M1 % P):
        root = root * SQRT_M1 % P
    return check in (u % P, -u % P), P - root if is_negative(root) else root


def decode(data):
    """The point with this encoding, or None."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or is_negative(s):
        return None
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    is_square, root = inverse_root(1, v * u2 * u2 % P)
    x = 2 * s * root * u2 % P
    x = P - x if is_negative(x) else x
    y = u1 * root * root * u2 * v % P
    return (x, y, 1, x * y % P) if is_square and y and not is_negative(x * y) else None


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    result = IDENTITY
    for bit in bin(scalar)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def is_same(p, q):
    return (p[0] * q[1] - p[1] * q[0]) % P == 0 or (p[1] * q[1] - p[0] * q[0]) % P == 0


# Keys of this network are multiples of this point, not of the usual one.
G = decode(bytes.fromhex("8c9240b456a9e6dc65c377a1048d745f94a08cdb7f44cbcd7b46f34048871134"))


def sha3(*parts):
    return hashlib.sha3_256(b"".join(parts)).digest()


def scalar(digest):
    return int.from_bytes(digest, "little") % ORDER


def challenge(nonce_point, key, message):
    return scalar(sha3(b"PtPoint", nonce_point, b"PublicKey", b"PtPoint", key, message))


def number(value):
    need(type(value) is int and 0 <= value < 2**63, "not an amount: %r" % value)
    return value.to_bytes(8, "big")


def bytes32(text):
    need(len(text) == 64 and not set(text) - set("0123456789abcdef"), "not 32 bytes: %r" % text)
    return bytes.fromhex(text)


def checksum(values):
    """Of bech32, BIP 173."""
    state = 1
    for value in values:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= generator if top >> bit & 1 else 0
    return state


def spread(prefix):
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def key_of(address, network):
    """The 32 bytes of an address."""
    prefix, _, digits = address.rpartition("1")
    need(prefix == PREFIXES[network] and len(digits) == 58, "no address of %s: %s" % (network, ascii(address)))
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".find(digit) for digit in digits]
    need(min(values) >= 0 and checksum(spread(prefix) + values) == 1, "no address: %s" % ascii(address))
    bits = sum(value << 5 * place for place, value in enumerate(reversed(values[:52])))
    need(bits % 16 == 0, "no address: %s" % ascii(address))
    return (bits >> 4).to_bytes(32, "big")


def list_hash(outputs, network):
    parts = [
        bytes32(output["output_hash"]) + key_of(output["recipient"], network) + number(output["amount"])
        for output in outputs
    ]
    return sha3(b"stegos attestation 1 list\n", len(outputs).to_bytes(8, "big"), *parts)


def message(root, outputs_hash, key):
    return sha3(
        b"stegos attestation 1 key\n", PREFIXES[root["network"]].encode(), root["epoch"].to_bytes(8, "big"),
        bytes32(root["block_hash"]), bytes32(root["root"]), number(root["total"]), outputs_hash, key,
    )


def is_signed(signature, key, digest):
    u, nonce_point = int.from_bytes(signature[:32], "little"), signature[32:]
    point, nonce = decode(key), decode(nonce_point)
    if point is None or nonce is None or u >= ORDER or is_same(point, IDENTITY):
        return False
    return is_same(times(u, G), add(nonce, times(challenge(nonce_point, key, digest), point)))


def fields(document, names):
    need(sorted(document) == sorted(names.split()), "other fields than %s" % names)


def stg(micro):
    whole, rest = divmod(micro, 10**6)
    return "%d%s STG" % (whole, (".%06d" % rest).rstrip("0") if rest else "")


def main(root, assets, *attestations):
    fields(root, "version network epoch block_hash hash_function root total total_text accounts")
    fields(assets, "version network epoch block_hash outputs total total_text")
    need(root["version"] == assets["version"] == 1, "another version")
    need(root["hash_function"] == "sha256", "another hash function")
    need(root["network"] in PREFIXES, "another network")
    need(all(assets[name] == root[name] for name in ("network", "epoch", "block_hash")), "the list is of another epoch")
    outputs, network = assets["outputs"], root["network"]
    need(0 < len(outputs) <= 250000, "no outputs, or too many")
    for output in outputs:
        fields(output, "output_hash recipient amount")
    ids = [bytes32(output["output_hash"]) for output in outputs]
    need(all(one < next_one for one, next_one in zip(ids, ids[1:])), "an output is there twice, or out of order")
    total = sum(output["amount"] for output in outputs)
    need(number(total) == number(assets["total"]), "the list says another total")
    need(assets["total_text"] == stg(total) and root["total_text"] == stg(root["total"]), "a text says another total")
    outputs_hash = list_hash(outputs, network)
    needed = {key_of(output["recipient"], network) for output in outputs}
    statement = {name: root[name] for name in ("network", "epoch", "block_hash", "root")}
    statement.update(debts=root["total"], assets_hash=outputs_hash.hex())
    held = set()
    for attestation in attestations:
        fields(attestation, "version statement signatures")
        need(attestation["version"] == 1 and attestation["statement"] == statement, "another statement is signed")
        last = b""
        for signed in attestation["signatures"]:
            fields(signed, "recipient signature")
            key, signature = key_of(signed["recipient"], network), bytes.fromhex(signed["signature"])
            need(last < key, "a key is there twice, or out of order")
            need(key in needed, "a key of none of the outputs")
            need(len(signature) == 64 and is_signed(signature, key, message(root, outputs_hash, key)),
                 "the signature for %s is wrong" % signed["recipient"])
            held.add(key)
            last = key
    need(held == needed, "keys of outputs did not sign")
    print("OK: %d outputs of %d keys are worth %s, %s are owed" % (len(ids), len(needed), stg(total), stg(root["total"])))


if __name__ == "__main__":
    main(*(json.load(open(name)) for name in sys.argv[1:]))
