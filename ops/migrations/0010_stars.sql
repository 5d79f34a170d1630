-- Payments asked for in another currency than what they pay for (Telegram Stars), and what gateways that sign nothing
-- say when they are asked.

-- The amount is fixed in the payment's own currency; `worth` is what it pays of its order, or fills a wallet with.
ALTER TABLE payment
    ADD COLUMN worth_minor bigint CHECK (worth_minor BETWEEN 1 AND 1000000000000000),
    ADD COLUMN worth_currency text REFERENCES currency,
    ADD COLUMN rate_minor bigint CHECK (rate_minor BETWEEN 1 AND 1000000000),  -- so many minor units of worth_currency
    ADD COLUMN rate_units bigint CHECK (rate_units BETWEEN 1 AND 1000000000),  -- for so many minor units of currency
    ADD COLUMN rate_at timestamptz,
    ADD COLUMN sealed_for uuid,               -- the shopper it was sealed for, who may have become a part of another
    ADD COLUMN seal bytea CHECK (octet_length(seal) = 32),                     -- core.vault.confirmations
    ADD CONSTRAINT payment_exchanged_whole CHECK (
        num_nonnulls(worth_minor, worth_currency, rate_minor, rate_units, rate_at, sealed_for, seal) IN (0, 7)
        AND worth_currency IS DISTINCT FROM currency),
    ADD CONSTRAINT payment_rounded_up CHECK (
        worth_minor IS NULL
        OR (amount_minor::numeric * rate_minor >= worth_minor::numeric * rate_units
            AND (amount_minor - 1)::numeric * rate_minor < worth_minor::numeric * rate_units));

-- A bot has one Stars account: what it is paid is booked there.
CREATE UNIQUE INDEX gateway_account_of_bot ON gateway_account ((settings ->> 'chat_account')) WHERE gateway = 'stars';

-- What a gateway answered the worker about money that came in; `proof` is made with the worker's key and checked by
-- the vault, so that whoever writes here without that key proves nothing.
CREATE TABLE payment_confirmation (
    gateway_account_id bigint NOT NULL REFERENCES gateway_account,
    external_id text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
    merchant_id bigint NOT NULL REFERENCES party,  -- whose account it is by its seal
    payment_id uuid NOT NULL,                 -- our number as the gateway gives it
    payer text NOT NULL,                      -- the gateway's number of who paid
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    currency text NOT NULL REFERENCES currency,
    paid_at timestamptz NOT NULL,
    proof bytea NOT NULL CHECK (octet_length(proof) = 32),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (gateway_account_id, external_id)
);
CREATE INDEX payment_confirmation_payment ON payment_confirmation (payment_id);

-- How much of an account's statement, which only grows, was read.
CREATE TABLE gateway_statement (
    gateway_account_id bigint PRIMARY KEY REFERENCES gateway_account,
    seen bigint NOT NULL CHECK (seen >= 0),
    read_at timestamptz NOT NULL
);

GRANT SELECT ON payment_confirmation TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON payment_confirmation TO keystall_worker;
GRANT SELECT, INSERT, UPDATE ON gateway_statement TO keystall_worker;
