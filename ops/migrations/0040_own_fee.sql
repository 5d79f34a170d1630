-- What a party pays the platform is its own and the platform's to read: panel_hop opens rows of those that it deals with,
-- for their names. A contraction: code before this reads the column.

REVOKE SELECT ON party FROM keystall_panel;
GRANT SELECT (id, kind, code, names, status, is_default, created_at) ON party TO keystall_panel;

CREATE VIEW panel_party_fee AS
SELECT id AS party_id, fee_basis_points FROM party WHERE panel_sees_all() OR id = panel_party();
GRANT SELECT ON panel_party_fee TO keystall_panel;
