"""The fixed statements of the catalogue: what a merchant offers now, read page by page or searched."""

# ruff: noqa: S608 - the statements are put together from constants of this file only

OFFERED = """
FROM listing l
JOIN sku s ON s.id = l.sku_id AND s.archived_at IS NULL
JOIN product p ON p.id = s.product_id AND p.archived_at IS NULL
WHERE l.merchant_id = %s AND l.on_sale
"""
"""What a merchant sells now; every statement below starts from it."""

CATEGORIES = f"SELECT p.category, count(DISTINCT p.id) {OFFERED} GROUP BY p.category"

PAGE = f"""
SELECT p.id {OFFERED} AND p.category = coalesce(%s, p.category)
GROUP BY p.id ORDER BY p.position, p.id LIMIT %s OFFSET %s
"""

PRODUCT = f"SELECT p.id {OFFERED} AND p.id = %s LIMIT 1"

PUBLIC_PAGE = f"""
SELECT p.id {OFFERED} AND (%s::text IS NULL OR (p.position, p.id) > (SELECT position, id FROM product WHERE code = %s))
GROUP BY p.id ORDER BY p.position, p.id LIMIT %s
"""

PRODUCT_TEXTS = "SELECT id, code, kind, category, names, texts FROM product WHERE id = ANY (%s::bigint[])"

LISTING_COLUMNS = """
SELECT l.id, l.merchant_id, l.sku_id, s.product_id, p.kind, l.code, s.code, l.version, l.price_minor, l.currency,
       s.names, s.axes, l.maximum_quantity, s.minimum_life_days
"""

LISTINGS_OF_PRODUCTS = f"{LISTING_COLUMNS} {OFFERED} AND s.product_id = ANY (%s::bigint[]) ORDER BY l.position, l.id"
LISTING_BY_CODE = f"{LISTING_COLUMNS} {OFFERED} AND l.code = %s"
LISTINGS_BY_ID = f"{LISTING_COLUMNS} {OFFERED} AND l.id = ANY (%s::bigint[])"

TITLES = f"""
WITH title AS (
    SELECT p.id, p.position, p.search_text AS own,
           p.search_text || ' ' || string_agg(s.search_text || ' ' || lower(l.code), ' ') AS text,
           array_agg(lower(l.code)) || array_agg(lower(s.code)) AS codes
    {OFFERED}
    GROUP BY p.id
)
"""
"""One row per product with all that may be searched: its names, aliases and code, its SKUs' names, all codes."""

SEARCH_SUBSTRING = f"""
{TITLES}
SELECT id FROM title
WHERE (SELECT bool_and(strpos(text, w) > 0 OR (length(w) > 2 AND strpos(replace(text, ' ', ''), w) > 0))
       FROM unnest(%s::text[]) AS w)
ORDER BY (%s = ANY (codes)) DESC, (strpos(own, %s) > 0) DESC, position, id LIMIT %s
"""

"""Every word stands in the title; a word of three or more also across its blanks: 京东e卡 in 京东 E 卡."""

SEARCH_WORDS = f"""
{TITLES}, scored AS (SELECT id, position, word_similarity(%s, text) AS score FROM title)
SELECT id FROM scored WHERE score >= %s ORDER BY score DESC, position, id LIMIT %s
"""

PIECE_SCORE = """
(SELECT coalesce(sum(CASE WHEN strpos(text, exact) > 0 THEN 1.0
                          WHEN text LIKE second_wrong OR text LIKE first_wrong THEN 0.5
                          ELSE 0 END) / greatest(count(*), 1), 0)
 FROM unnest(%s::text[], %s::text[], %s::text[]) AS piece (exact, second_wrong, first_wrong))
"""
"""The share of two-character pieces that a title has, a piece with one wrong Chinese character counting half."""

SEARCH_PIECES = f"""
{TITLES}, scored AS (SELECT id, position, {PIECE_SCORE} AS score FROM title)
SELECT id FROM scored WHERE score >= %s ORDER BY score DESC, position, id LIMIT %s
"""

NEAREST = f"""
{TITLES}
SELECT id FROM title ORDER BY greatest(word_similarity(%s, text), {PIECE_SCORE}) DESC, position, id LIMIT %s
"""

OWNER_OF_PRODUCT = """
SELECT p.id, p.owner_id, p.code, o.kind FROM product p JOIN party o ON o.id = p.owner_id WHERE p.id = %s
"""
OWNER_OF_SKU = """
SELECT s.id, p.owner_id, s.code, o.kind
FROM sku s JOIN product p ON p.id = s.product_id JOIN party o ON o.id = p.owner_id WHERE s.id = %s
"""
OWNER_OF_LISTING = """
SELECT l.id, l.merchant_id, l.code, o.kind FROM listing l JOIN party o ON o.id = l.merchant_id WHERE l.id = %s
"""
SKU_BY_CODE = "SELECT id FROM sku WHERE code = %s"

ISSUER_WITHIN_REACH = "SELECT 1 FROM issuer WHERE id = %s AND (owner_id IS NULL OR owner_id = %s)"
CREATE_ISSUER = "INSERT INTO issuer (code, names) VALUES (%s, %s) RETURNING id"
CREATE_PRODUCT = """
INSERT INTO product (owner_id, code, kind, category, names, texts, aliases, position, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
CREATE_SKU = """
INSERT INTO sku
    (product_id, code, names, axes, issuer_id, card_shape, trim, case_sensitive, minimum_life_days, secret_bits,
     created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
CREATE_LISTING = """
INSERT INTO listing (merchant_id, sku_id, code, price_minor, currency, maximum_quantity, position, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
SET_PRICE = """
UPDATE listing SET price_minor = %s, version = version + 1 WHERE id = %s AND currency = %s RETURNING version
"""
OUTDATE = "UPDATE listing SET version = version + 1 WHERE sku_id = %s"
SET_ON_SALE = """
UPDATE listing SET on_sale = %s WHERE id = %s AND (archived_at IS NULL OR NOT %s) RETURNING id
"""
