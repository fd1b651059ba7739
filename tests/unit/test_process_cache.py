"""What a process remembers for a while."""

from __future__ import annotations

from datetime import timedelta

from service.models.db.process_cache import ProcessCache


def test_a_value_is_known_until_its_time_is_over() -> None:
    at = [100.0]
    cache: ProcessCache[str] = ProcessCache(lambda: at[0])
    assert cache.get() is None
    assert cache.put("one", timedelta(seconds=5)) == "one"
    at[0] = 104.9
    assert cache.get() == "one"
    at[0] = 105.0
    assert cache.get() is None


def test_all_caches_are_cleared_together() -> None:
    caches: list[ProcessCache[int]] = [ProcessCache(), ProcessCache()]
    for cache in caches:
        cache.put(1, timedelta(minutes=1))
    ProcessCache.clear_all()
    assert [cache.get() for cache in caches] == [None, None]
