"""The tree and its proofs, against the known answers of Certificate Transparency and against the stand-alone verifier."""

from __future__ import annotations

import hashlib

import pytest

from service.evidence import verify
from service.infrastructure.seals.merkle_log import Frontier, Tree, leaf_hash, roots

# the leaves, roots and proofs of certificate-transparency's own tests (merkletree/merkle_verifier_test)
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]


def test_roots_are_the_known_ones() -> None:
    assert [(size, root.hex()) for size, root in roots(LEAVES, range(1, 9))] == list(enumerate(ROOTS, 1))
    assert [Tree(LEAVES).root(0, size).hex() for size in range(1, 9)] == ROOTS
    assert Frontier().root() == hashlib.sha256().digest()


def test_the_known_audit_path_is_made() -> None:
    assert [step.hex() for step in Tree(LEAVES).inclusion(0, 8)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@pytest.mark.parametrize("size", range(1, 20))
def test_every_proof_holds_and_holds_for_nothing_else(size: int) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    tree = Tree(leaves)
    root = tree.root(0, size)
    for index in range(size):
        path = tree.inclusion(index, size)
        assert verify.is_included(leaves[index], index, size, path, root)
        assert not verify.is_included(leaves[index], index, size, path, leaf_hash(b"other"))
        assert not any(verify.is_included(leaf_hash(b"x"), n, size, path, root) for n in range(size))
        for n in range(len(path)):
            assert not verify.is_included(leaves[index], index, size, path[:n] + path[n + 1 :], root)
    for old in range(1, size + 1):
        path = tree.consistency(old, size)
        assert verify.is_consistent(old, tree.root(0, old), size, root, path)
        assert not verify.is_consistent(old, leaf_hash(b"other"), size, root, path)
        for n in range(len(path)):
            assert not verify.is_consistent(old, tree.root(0, old), size, root, path[:n] + path[n + 1 :])


@pytest.mark.parametrize("split", range(1, 12))
def test_a_frontier_goes_on_from_its_stored_form(split: int) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(12)]
    begun = Frontier()
    for leaf in leaves[:split]:
        begun.append(leaf)
    later = Frontier.load(begun.size, begun.save())
    for leaf in leaves[split:]:
        later.append(leaf)
    assert later.root() == Tree(leaves).root(0, 12)


# RFC 8032, 7.1: tests 1 to 3, and the one of 1023 bytes is left out for its length
SIGNED = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), SIGNED)
def test_signatures_of_the_rfc_hold_and_no_changed_one_does(key: str, message: str, signature: str) -> None:
    given = [bytes.fromhex(text) for text in (key, message, signature)]
    assert verify.is_signed(*given)
    for place in (0, 1, 2):
        for n in range(0, len(given[place]), 7):
            changed = list(given)
            changed[place] = given[place][:n] + bytes([given[place][n] ^ 4]) + given[place][n + 1 :]
            assert not verify.is_signed(*changed)
