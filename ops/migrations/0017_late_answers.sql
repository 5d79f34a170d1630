-- WeChat takes one answer to a message. What was ready only after 处理中 had been said waits here until its follower
-- speaks again; the words themselves stay sealed in the inbox.
CREATE TABLE late_answer (
    source text NOT NULL,
    event_id text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversation,
    at timestamptz NOT NULL,
    PRIMARY KEY (source, event_id),
    FOREIGN KEY (source, event_id) REFERENCES inbox ON DELETE CASCADE
);
CREATE INDEX late_answer_conversation ON late_answer (conversation_id, at);

GRANT SELECT, INSERT, DELETE ON late_answer TO keystall_shop;
