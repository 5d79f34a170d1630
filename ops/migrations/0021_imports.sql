-- Imports at any size: progress as a page shows it, cancelling, and what the platform decides about contested cards.

ALTER TABLE import_job DROP CONSTRAINT import_job_state_check;
ALTER TABLE import_job ADD CONSTRAINT import_job_state_check
    CHECK (state IN ('running', 'cancelling', 'done', 'failed', 'cancelled'));  -- core.stock.imports.ImportState
ALTER TABLE import_job ADD COLUMN rows_about integer NOT NULL DEFAULT 0 CHECK (rows_about >= 0);
ALTER TABLE import_job ADD COLUMN moved_at timestamptz;          -- when its last chunk was committed
CREATE INDEX import_job_open ON import_job (created_at) WHERE state IN ('running', 'cancelling');
CREATE INDEX import_job_upload ON import_job (upload_id);
CREATE INDEX import_job_batch ON import_job (batch_id);

-- A finished import counts its cards by this and card_free; without it by reading every card of the store.
CREATE INDEX card_contested ON card (batch_no) WHERE contested;

-- Cards of a cancelled import are the only ones that ever go: their batch was never on sale, so that none of them was
-- held, sold or opened, and their fingerprints must be free for the same file to come again.
CREATE FUNCTION card_goes_with_its_import() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.line_id IS NOT NULL OR OLD.opened_at IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM batch b JOIN import_job j ON j.batch_id = b.id
        WHERE b.no = OLD.batch_no AND b.state = 'importing' AND j.state = 'cancelling') THEN
        RAISE EXCEPTION 'a card is never deleted' USING ERRCODE = '23514', CONSTRAINT = 'card_never_deleted';
    END IF;
    RETURN OLD;
END $$;
DROP TRIGGER card_never_deleted ON card;
CREATE TRIGGER card_never_deleted BEFORE DELETE ON card FOR EACH ROW EXECUTE FUNCTION card_goes_with_its_import();
GRANT DELETE ON card, card_seal TO keystall_vault;
GRANT DELETE ON upload TO keystall_vault;                        -- of a dry run, which leaves nothing

-- A dry run compares rows in a temporary table.
DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO keystall_vault', current_database()); END $$;

-- One decision about the contested cards of one batch (or about one of them): who keeps them. It is carried out in
-- chunks, each with its figures in the same commit, so that a kill in between is gone on from.
CREATE TABLE contested_decision (
    id uuid PRIMARY KEY,
    batch_no integer NOT NULL REFERENCES batch (no),      -- whose cards are contested: the later copies
    card_id uuid,                                         -- only this one of them
    given_to text NOT NULL CHECK (given_to IN ('earlier', 'later')),
    reason text NOT NULL,
    decided integer NOT NULL DEFAULT 0 CHECK (decided >= 0),
    decided_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX contested_decision_batch ON contested_decision (batch_no);
CREATE INDEX stock_event_contested ON stock_event (batch_no, card_id) WHERE kind = 'contested' AND handled_at IS NULL;

GRANT SELECT ON contested_decision TO keystall_shop, keystall_worker, keystall_vault;
GRANT INSERT ON contested_decision TO keystall_vault;
GRANT UPDATE (decided, finished_at) ON contested_decision TO keystall_vault;
GRANT UPDATE (handled_at) ON stock_event TO keystall_vault;
GRANT UPDATE (pos) ON card TO keystall_vault;
