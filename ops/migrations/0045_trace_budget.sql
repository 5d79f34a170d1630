-- How often a person and a party had a card looked for by its secret within an hour: the vault counts, nobody else.

CREATE TABLE trace_budget (
    subject text NOT NULL CHECK (subject ~ '^(person [0-9a-f-]{36}|party [0-9]{1,19})$'),
    hour timestamptz NOT NULL,
    used integer NOT NULL CHECK (used > 0),
    PRIMARY KEY (subject, hour)
);
CREATE INDEX trace_budget_hour ON trace_budget (hour);
GRANT SELECT, INSERT, UPDATE (used), DELETE ON trace_budget TO keystall_vault;

-- Through whose hands a card came to its order, pool first: for the platform alone.
CREATE VIEW panel_card_hop AS
SELECT s.line_id, s.position, seller.names AS seller, buyer.names AS buyer, f.price_micro, f.currency
FROM line_share s JOIN hold h ON h.id = s.hold_id JOIN offer f ON f.id = s.offer_id
JOIN party seller ON seller.id = f.seller_id JOIN party buyer ON buyer.id = f.buyer_id
WHERE panel_sees_all() AND h.state IN ('open', 'captured');
GRANT SELECT ON panel_card_hop TO keystall_panel;
