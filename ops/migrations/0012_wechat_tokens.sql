-- The one access token of each official account, for every worker: a second one fetched beside it would end it.

CREATE TABLE wechat_token (
    chat_account_id bigint PRIMARY KEY REFERENCES chat_account,
    sealed bytea NOT NULL,                    -- with the act key: core.connections.wechat_tokens
    expires_at timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON wechat_token TO keystall_worker;
