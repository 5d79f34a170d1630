-- Pages that a chat leads to: who opened one is asked of the platform by the worker, which alone has the app secret;
-- without that secret a code is worth nothing.

CREATE TABLE page_login (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversation,
    state_hash bytea NOT NULL UNIQUE CHECK (octet_length(state_hash) = 32),  -- a state of ours is used once
    code text CHECK (code ~ '^[A-Za-z0-9_-]+$' AND length(code) <= 512),  -- gone once it was asked
    outcome text CHECK (outcome IN ('same', 'other', 'failed')),  -- core.conversations.logins.LoginOutcome
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (outcome IS NULL OR code IS NULL)
);
CREATE INDEX page_login_created ON page_login (created_at);
CREATE INDEX page_login_conversation ON page_login (conversation_id, created_at);

-- Where the platform cannot be asked, a link belongs to the first browser that presses something on its page.
CREATE TABLE page_browser (
    token_hash bytea PRIMARY KEY REFERENCES button ON DELETE CASCADE,  -- the link
    browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32)
);

GRANT SELECT, INSERT ON page_login, page_browser TO keystall_shop;
GRANT SELECT, UPDATE, DELETE ON page_login TO keystall_worker;
