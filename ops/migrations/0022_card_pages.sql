-- Card pages: a link in a message that bypasses web leads to a page which opens the cards of one delivery in the browser.

-- Made by the vault as the worker writes the message. The key in the link's fragment is derived from the number with a
-- key that only the vault has, so no table holds it; the seal stands over the whole row, so that a link cannot be moved
-- to another delivery or lengthened by writing here.
CREATE TABLE card_link (
    id uuid PRIMARY KEY,
    delivery_id uuid NOT NULL REFERENCES delivery,
    occasion uuid NOT NULL,                   -- what it was made for: the delivery itself, or one 取卡; repeats share it
    identity_id uuid NOT NULL,                -- the account that it was made for, and its private chat
    chat_address text NOT NULL,
    contact_id uuid,                          -- the address outside the chats that it was sent to
    locale text NOT NULL CHECK (length(locale) BETWEEN 2 AND 20),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > made_at AND expires_at <= made_at + interval '24 hours'),
    seal bytea NOT NULL CHECK (octet_length(seal) = 32)
);
CREATE INDEX card_link_delivery ON card_link (delivery_id);

-- Five at most, whoever presses at the same moment; one press is one opening however often it is repeated.
CREATE TABLE card_link_opening (
    link_id uuid NOT NULL REFERENCES card_link,
    n smallint NOT NULL CHECK (n BETWEEN 1 AND 5),
    press_id uuid NOT NULL UNIQUE,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (link_id, n)
);

-- Somebody pressed; what comes of it is sealed under the link's own key, which web and the tables never have. Whether
-- there is such a link stands nowhere here: an unknown one is asked and answered like every other.
CREATE TABLE link_press (
    id uuid PRIMARY KEY,                      -- minted by the page
    link_id uuid NOT NULL,
    proof_hash bytea NOT NULL CHECK (octet_length(proof_hash) = 32),  -- of what shows that the page has the link's key
    asked_at timestamptz NOT NULL,
    answer jsonb,
    answered_at timestamptz CHECK ((answered_at IS NULL) = (answer IS NULL))
);
CREATE INDEX link_press_asked ON link_press (asked_at);

-- shop asks and reads answers; it sees neither links nor openings.
GRANT INSERT (id, link_id, proof_hash, asked_at), SELECT ON link_press TO keystall_shop;
GRANT SELECT, DELETE ON link_press TO keystall_worker;
GRANT UPDATE (answer, answered_at) ON link_press TO keystall_worker;
GRANT SELECT ON card_link, card_link_opening TO keystall_worker;  -- `trace`
GRANT SELECT ON card_link, card_link_opening, link_press TO keystall_vault;
GRANT INSERT ON card_link, card_link_opening TO keystall_vault;
