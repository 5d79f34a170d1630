"""What a race with faults does and when: by its seed, every kind of fault, before the last cards are sold."""

from ops.race_faults import EVERY, Fault, plan


def test_a_seed_decides_what_is_done_when():
    assert plan(7, cards=100) == plan(7, cards=100)
    assert plan(7, cards=100) != plan(8, cards=100)


def test_every_fault_is_done_in_every_race_while_cards_are_still_to_be_sold():
    for seed in range(50):
        planned = plan(seed, cards=100)

        assert sorted(one.fault for one in planned) == sorted(EVERY)
        assert set(EVERY) == set(Fault)
        moments = [one.after for one in planned]
        assert moments == sorted(moments)
        assert all(0 <= after < 90 for after in moments)


def test_a_race_of_one_card_has_all_its_faults_at_the_start():
    assert {one.after for one in plan(1, cards=1)} == {0}
