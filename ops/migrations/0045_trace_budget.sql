-- How often a person and a party had a card looked for by its secret within an hour: the vault counts, nobody else.

CREATE TABLE trace_budget (
    subject text NOT NULL CHECK (subject ~ '^(person [0-9a-f-]{36}|party [0-9]{1,19})$'),
    hour timestamptz NOT NULL,
    used integer NOT NULL CHECK (used > 0),
    PRIMARY KEY (subject, hour)
);
CREATE INDEX trace_budget_hour ON trace_budget (hour);
GRANT SELECT, INSERT, UPDATE (used), DELETE ON trace_budget TO keystall_vault;

-- That somebody else brought a card too is nobody's here: to its owner a contested copy is one on the shelf, as it is in
-- the counts of its batch. Whoever finds cards by their secrets would else learn who has them besides.
CREATE OR REPLACE VIEW panel_card AS
SELECT c.id, c.mask, CASE WHEN c.contested AND NOT panel_sees_all() THEN 'free' ELSE c.state END AS state,
       c.expires_on, b.id AS batch_id, b.no AS batch_no, k.code AS sku_code,
       panel_sees_all() OR c.owner_id = panel_party() AS is_own,
       CASE WHEN panel_sees_all() OR l.merchant_id = panel_party() THEN l.order_id END AS order_id,
       CASE WHEN panel_sees_all() OR l.merchant_id = panel_party() THEN l.id END AS line_id,
       CASE WHEN panel_sees_all() OR l.merchant_id = panel_party() THEN c.opened_at END AS opened_at,
       c.delivered_at
FROM card c JOIN batch b ON b.no = c.batch_no JOIN sku k ON k.id = c.sku_id LEFT JOIN order_line l ON l.id = c.line_id
WHERE panel_sees_all() OR c.owner_id = panel_party() OR l.merchant_id = panel_party();

-- Through whose hands a card came to its order, pool first: for the platform alone.
CREATE VIEW panel_card_hop AS
SELECT s.line_id, s.position, seller.names AS seller, buyer.names AS buyer, f.price_micro, f.currency
FROM line_share s JOIN hold h ON h.id = s.hold_id JOIN offer f ON f.id = s.offer_id
JOIN party seller ON seller.id = f.seller_id JOIN party buyer ON buyer.id = f.buyer_id
WHERE panel_sees_all() AND h.state IN ('open', 'captured');
GRANT SELECT ON panel_card_hop TO keystall_panel;
