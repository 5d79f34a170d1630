"""The page that a chat's link opens (`/w/<token>`): for one follower alone, for a quarter of an hour.

Opening it changes, counts, holds and shows nothing secret (fault 101); what changes something is a POST.
"""
