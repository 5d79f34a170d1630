-- WeChat: requests seen before, what may be said unasked, and readers that live as long as one reply.

CREATE TABLE wechat_replay (
    account_id bigint NOT NULL REFERENCES chat_account,
    replay_key text NOT NULL,
    dedupe_id text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, replay_key)
);
CREATE INDEX wechat_replay_at ON wechat_replay (at);

-- Customer-service messages that a follower has opened for us: five for words within 48 h, three for a tap within a minute.
CREATE TABLE service_window (
    conversation_id uuid NOT NULL REFERENCES conversation,
    kind text NOT NULL CHECK (kind IN ('words', 'tap')),  -- core.conversations.quotas.Opening
    messages_left smallint NOT NULL CHECK (messages_left >= 0),
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, kind)
);

-- Subscription notices that a follower has agreed to: one consent, one message.
CREATE TABLE notice_consent (
    conversation_id uuid NOT NULL REFERENCES conversation,
    template_id text NOT NULL CHECK (template_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    notices_left smallint NOT NULL CHECK (notices_left >= 0),
    PRIMARY KEY (conversation_id, template_id)
);

-- On what a follower last opened a page: whether prices may stand in the chat can depend on it.
CREATE TABLE identity_device (
    identity_id uuid PRIMARY KEY REFERENCES identity,
    is_ios boolean NOT NULL,
    seen_at timestamptz NOT NULL
);

GRANT SELECT ON wechat_replay, service_window, notice_consent, identity_device TO keystall_shop, keystall_worker;
GRANT INSERT ON wechat_replay TO keystall_shop;
GRANT INSERT, UPDATE ON service_window, notice_consent, identity_device TO keystall_shop, keystall_worker;
GRANT DELETE ON wechat_replay, chat_session TO keystall_worker;
