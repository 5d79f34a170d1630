"""Protections of the vault's keys, of sealed cards, and of a restored store."""

from tests.mutations.mutation import Mutation

SCHEMA = "ops/migrations/0024_vault_epochs.sql"
VERSIONS = "tests/flows/test_key_versions.py"
CRASHES = "tests/faults/test_key_crashes.py"
RESTORES = "tests/flows/backups"

MUTATIONS = [
    Mutation(
        rows=("INV-K2", "68"),
        removed="the card's own id in what its seal is bound to",
        file="core/vault/seal.py",
        old="    return _CARD_BEFORE + card + _CARD_AFTER",
        new="    return _CARD_BEFORE + _CARD_AFTER",
        test="tests/unit/test_seal.py tests/flows/test_opening.py::"
        "test_fault_68_a_card_that_carries_another_cards_seal_is_set_aside",
    ),
    Mutation(
        rows=("INV-K3",),
        removed="the refusal to retire a version that batches are sealed with",
        file="core/custody/versions.py",
        old="    if found.batches:",
        new="    if False:",
        test=f"{VERSIONS}::test_inv_k3_a_version_in_use_or_needed_is_not_retired",
    ),
    Mutation(
        rows=("INV-K3",),
        removed="the ten minutes in which a replaced version may still be needed",
        file="core/custody/versions.py",
        old="now - found.replaced_at < STILL_SEALED_WITH",
        new="False",
        test=f"{VERSIONS}::test_inv_k3_a_version_in_use_or_needed_is_not_retired",
    ),
    Mutation(
        rows=("INV-K3", "6"),
        removed="the versions before the one in use, when something is opened",
        file="core/custody/keyring.py",
        old="        return tuple(version.private for version in self.versions)",
        new="        return (self.current.private,)",
        test=f"{CRASHES} {VERSIONS}",
    ),
    Mutation(
        rows=("6",),
        removed="the new private key on the disk before the public file names it",
        file="channels/keys/files.py",
        old="        self.add(_id_of(private.reveal()), private)\n        publish_file(self._config, public)",
        new="        publish_file(self._config, public)",
        test=f"{CRASHES}::test_fault_6_killed_at_any_step_of_a_rotation_every_batch_opens_and_the_next_one_ends",
        more=(("core/custody/keyring.py", "        self._source.add(version.id, Secret(private))\n", ""),),
    ),
    Mutation(
        rows=("6", "71"),
        removed="the second key of a batch, when a card is opened during a rekeying",
        file="core/custody/checks.py",
        old="    pairs = ((card.sealed_key, card.signature), (card.next_sealed_key, card.next_signature))",
        new="    pairs = ((card.sealed_key, card.signature),)",
        test=CRASHES,
    ),
    Mutation(
        rows=("INV-K3",),
        removed="the look at the vault's signature before a batch gets a new key",
        file="core/custody/rekeying.py",
        old="if signed_key(vault, one, bytes(one.sealed_key), one.signature) is not None]",
        new="]",
        test=f"{VERSIONS}::test_what_the_vault_did_not_sign_is_never_made_good_by_a_rekeying",
    ),
    Mutation(
        rows=("INV-K2",),
        removed="the trigger that keeps a sealed card as it is outside a rekeying",
        file=SCHEMA,
        old="IF NOT EXISTS (SELECT 1 FROM card c JOIN batch_key k",
        new="IF false AND NOT EXISTS (SELECT 1 FROM card c JOIN batch_key k",
        test=f"{VERSIONS}::test_even_the_vaults_role_changes_no_sealed_card_outside_a_rekeying",
    ),
    Mutation(
        rows=("69",),
        removed="the look at the vault's signature when a card is opened",
        file="core/custody/checks.py",
        old='        check_batch(verify_key(vault.keys.sign), statement_of(vault, row, key), signature or b"")',
        new="        pass",
        test="tests/flows/test_opening.py::test_an_unsigned_batch_never_opens",
    ),
    Mutation(
        rows=("70",),
        removed="the look whether the private key belongs to the public one",
        file="core/custody/keyring.py",
        old="        self._current = self._versions.get(key_id(source.public_key()))",
        new="        self._current = next(iter(self._versions.values()))",
        test="tests/flows/test_opening.py",
    ),
    Mutation(
        rows=("100",),
        removed="the setting aside of free cards that went out after the backup",
        file="core/custody/epochs.py",
        old="AND f.state IN ('free', 'held', 'claimed')",
        new="AND f.state IN ('held')",
        test=f"{RESTORES}/test_restore.py",
    ),
    Mutation(
        rows=("100",),
        removed="the vault's holding back after a restore",
        file="core/custody/epoch_desk.py",
        old="        return self._epoch is not None and operation not in epochs.WHILE_HELD",
        new="        return False",
        test=f"{RESTORES}/test_restore.py",
    ),
    Mutation(
        rows=("100",),
        removed="the fingerprints of cards that are gone, when a file is imported",
        file="core/custody/importing.py",
        old="    execute(sql.LEAVE_LOST_OUT)\n",
        new="",
        test=f"{RESTORES}/test_restore.py",
    ),
    Mutation(
        rows=("100",),
        removed="the trigger that keeps from sale what went out",
        file=SCHEMA,
        old="IF EXISTS (SELECT 1 FROM epoch_opening WHERE card_id = OLD.id AND outcome = 'set_aside') THEN",
        new="IF false THEN",
        test=f"{RESTORES}/test_restore.py",
    ),
    Mutation(
        rows=("100",),
        removed="the look whether the opening log is the one that the backup knew",
        file="core/custody/epoch_log.py",
        old="    return left == 0 and found.hexdigest() == expected",
        new="    return True",
        test=f"{RESTORES}/test_restore.py::test_another_or_a_shortened_log_is_not_taken_for_the_one_of_the_backup",
    ),
]
