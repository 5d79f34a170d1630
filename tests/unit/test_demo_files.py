"""The card files that the repository carries are the ones its generator makes, in the shapes they promise."""

import io
import zipfile

import pytest

from ops.demo.goods import CHAIN, FILES, PRODUCTS
from ops.demo.make_files import FILES as MADE
from ops.demo.make_files import FOLDER

SKUS = [sku for product in PRODUCTS for sku in product.skus]


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_file_is_what_its_generator_makes(name: str) -> None:
    assert (FOLDER / name).read_bytes() == MADE[name]()


def test_nothing_else_lies_beside_the_files() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(MADE) == {file.name for file in FILES}


def test_every_sku_of_the_contract_has_a_file_of_its_own() -> None:
    assert [sku.code for sku in SKUS] == ["A1", "A2", "B1", "C1", "D1", "E1"]
    assert {file.sku for file in FILES if file.merchant is None} == {sku.code for sku in SKUS}


def test_no_card_stands_in_two_files() -> None:
    codes = [line for name in MADE if name.endswith(".txt") for line in set(MADE[name]().decode("utf-8-sig").split())]

    assert len(codes) == len({code.upper() for code in codes}) + 1, "one lower-case copy, meant as a duplicate"


def test_the_shapes_are_those_of_real_suppliers() -> None:
    csv = MADE["tencent_video_month_2029.csv"]().decode("gb18030").splitlines()
    assert (csv[0].split(",")[0], csv[1]) == ("腾讯视频 VIP 月卡 提货单", "卡号,卡密,有效期,备注")
    assert MADE["iqiyi_quarter_2028.tsv"]().startswith(b"\xff\xfe")
    assert "\n第二行" in MADE["iqiyi_quarter_2028.tsv"]().decode("utf-16")
    txt = MADE["steam_50_usd.txt"]()
    assert txt.startswith(b"\xef\xbb\xbf")
    assert txt.count(b"\r\n") == 604
    assert b"  \r\n" in txt
    assert b"%0A11 \n" in MADE["notes_pro_accounts.txt"]()
    with zipfile.ZipFile(io.BytesIO(MADE["jd_ecard_100.xlsx"]())) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "xl/worksheets/sheet2.xml" in book.namelist()
    assert sheet.count('hidden="1"') == 4
    assert sheet.count("<f>") == 4


def test_each_hop_of_the_chain_earns_and_the_merchant_earns_on_top() -> None:
    for sku in SKUS:
        retail_micro = sku.price_minor * 10_000
        costs = [*sku.hop_costs_micro, retail_micro]
        assert costs == sorted(set(costs)), f"{sku.code} would be sold below its cost"
        assert len(sku.hop_costs_micro) == len(CHAIN) - 1
    for file in FILES:
        price = next(sku.price_minor for sku in SKUS if sku.code == file.sku)
        assert file.unit_cost_micro < price * 10_000


def test_every_text_of_the_demo_is_there_in_both_languages() -> None:
    for product in PRODUCTS:
        for words in (product.names, product.summary, product.redeem, product.refund, product.issuer_names):
            assert set(words) == {"zh-CN", "en"}
            assert all(text.strip() for text in words.values())
