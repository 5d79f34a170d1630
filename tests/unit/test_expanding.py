"""Which migrations the old code may run beside: what is taken away or refused is found by its words."""

import pytest

from ops.doctor.expanding import contractions, indexed, statements

BESIDE = [
    "CREATE TABLE a (id bigint PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name <> ''));",
    "CREATE TABLE a (id bigint); CREATE UNIQUE INDEX a_id ON a (id); ALTER TABLE a ADD CHECK (id > 0);",
    "CREATE TABLE a (id bigint);\nCREATE TRIGGER a_watch BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();",
    "ALTER TABLE shop_order ADD COLUMN note text, ADD COLUMN size integer NOT NULL DEFAULT 0;",
    "ALTER TABLE shop_order ADD COLUMN doubled bigint NOT NULL GENERATED ALWAYS AS (total_minor * 2) STORED;",
    "ALTER TABLE shop_order ALTER COLUMN note DROP NOT NULL, ALTER COLUMN note SET DEFAULT '';",
    "GRANT SELECT ON party TO keystall_shop; COMMENT ON TABLE party IS 'renamed; dropped';",
    "-- DROP TABLE party;\n/* REVOKE ALL ON party FROM keystall_shop; */ SELECT 1;",
    "CREATE INDEX card_pos ON card (sku_id, pos DESC) INCLUDE (id) WHERE state IN ('free', 'held');",
    "CREATE TABLE a (id bigint); INSERT INTO a SELECT id FROM party; ALTER TABLE a ENABLE ROW LEVEL SECURITY;",
    "SET LOCAL lock_timeout = '2s'; ALTER TABLE shop_order ADD note text DEFAULT 'not null; unique -- it''s';",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE x; REVOKE ALL ON y FROM z; END $$;",
]
AGAINST = [
    ("DROP TABLE party;", ["drops party"]),
    ("ALTER TABLE party DROP COLUMN code;", ["drops a column of party"]),
    ("ALTER TABLE party DROP code, ADD x text;", ["drops a column of party"]),
    ("ALTER TABLE party RENAME COLUMN code TO name;", ["renames party"]),
    ("ALTER TABLE party RENAME TO parties;", ["renames party"]),
    ("ALTER TABLE party ALTER COLUMN code TYPE integer USING 1;", ["changes a type in party"]),
    ("ALTER TABLE party ALTER code SET NOT NULL;", ["wants a value in party"]),
    ("ALTER TABLE party ADD COLUMN a text DEFAULT '', ADD COLUMN b text NOT NULL;", ["wants a value in party"]),
    ("ALTER TABLE party ADD CONSTRAINT x CHECK (code <> ''), ADD c text;", ["refuses rows of party"]),
    ("ALTER TABLE ONLY public.party ADD FOREIGN KEY (a, b) REFERENCES sku (a, b);", ["refuses rows of party"]),
    ("CREATE UNIQUE INDEX party_code ON party (code);", ["refuses rows of party"]),
    ("CREATE TRIGGER x BEFORE UPDATE ON party EXECUTE FUNCTION f();", ["watches what is written to party"]),
    ("REVOKE INSERT ON audit_entry FROM keystall_shop;", ["takes rights on audit_entry"]),
    ("CREATE TABLE a (id int); ALTER TABLE party DROP COLUMN code;", ["drops a column of party"]),
    ("DROP TABLE party; CREATE TABLE party (id int);", ["drops party"]),
    ("CREATE TABLE IF NOT EXISTS party (id int); ALTER TABLE party DROP COLUMN code;", ["drops a column of party"]),
    ("ALTER TABLE party DROP CONSTRAINT party_code_key;", ["drops a constraint of party"]),
    ("DROP INDEX party_code;", ["drops party_code"]),
    ("ALTER TABLE party ADD a int UNIQUE;", ["refuses rows of party"]),
    ("ALTER TABLE party ADD a int, ADD b int NOT NULL DEFAULT NULL;", ["wants a value in party"]),
    ("CREATE INDEX x ON party ((code::int));", ["may refuse rows of party"]),
    ("ALTER TABLE party ALTER code DROP DEFAULT;", ["wants a value in party"]),
    ("DROP TRIGGER x ON party;", ["no longer watches what is written to party"]),
]  # fmt: skip


FOUND_HARMLESS_ONCE = [
    "ALTER TABLE party ENABLE ROW LEVEL SECURITY",
    "DO $$ BEGIN DROP TABLE party; END $$",
    "CREATE RULE x AS ON INSERT TO party DO INSTEAD NOTHING",
    "ALTER DOMAIN code ADD CHECK (VALUE <> '')",
    "TRUNCATE party",
    "DELETE FROM party",
    "UPDATE party SET code = 'x'",
    "DROP OWNED BY keystall_shop",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE TABLE a PARTITION OF party DEFAULT",
    "INSERT INTO party (code) VALUES ('x')",
    "WITH gone AS (DELETE FROM party RETURNING id) SELECT id FROM gone",
    "SELECT setval('party_id_seq', 1)",
    "ALTER ROLE keystall_shop NOLOGIN",
    "WHATEVER COMES TO POSTGRES NEXT",
]


@pytest.mark.parametrize("text", BESIDE)
def test_what_only_adds_is_no_reason_to_stop(text: str) -> None:
    assert contractions(text) == []


@pytest.mark.parametrize(("text", "found"), AGAINST)
def test_what_the_old_code_runs_into_is_named(text: str, found: list[str]) -> None:
    assert contractions(text) == found


@pytest.mark.parametrize("text", FOUND_HARMLESS_ONCE)
def test_what_is_not_known_to_only_add_is_never_said_to_only_add(text: str) -> None:
    assert len(contractions(f"CREATE TABLE later (id int); {text};")) == 1


def test_an_index_on_a_table_that_was_there_holds_up_whoever_writes_to_it() -> None:
    text = "CREATE TABLE a (id int); CREATE INDEX a_id ON a (id); CREATE INDEX c ON card (pos) WHERE state = 'free';"

    assert indexed(text) == ["card"]


def test_statements_are_split_without_comments_and_bodies() -> None:
    assert statements("SELECT 1; -- one; two\nSELECT $x$ a; b $x$;") == ["SELECT 1", "SELECT ''"]
