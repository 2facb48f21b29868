"""How often somebody may ask: every answer about a face is one bit for an attacker, so bits are rationed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from retail.errors import ConfigError

_MOST_KEYS: Final = 10_000


@dataclass(slots=True)
class RateLimit:
    """At most `most` requests of one key in any span of `per_s` seconds; kept in memory, never on disk.

    A restart forgets it, so whoever can restart the service at will is not held back; payments count in the books.
    When more keys than fit are active at once, new ones are refused rather than old ones forgotten. Threads may share
    one.

    Attributes:
        most: requests in the span.
        per_s: the span in seconds.
        clock: seconds that never go back.
    """

    most: int
    per_s: float
    clock: Callable[[], float] = time.monotonic
    _asked: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse limits that limit nothing."""
        if type(self.most) is not int or self.most < 1 or not 0 < self.per_s < float("inf"):
            raise ConfigError(f"a rate limit is at least 1 request in a span above 0 s, got {self.most}, {self.per_s}")

    def take(self, key: str) -> bool:
        """Count a request, and tell whether it is within the limit. Refused ones count as well."""
        with self._lock:
            now = self.clock()
            while self._asked and next(iter(self._asked.values()))[-1] <= now - self.per_s:
                self._asked.popitem(last=False)  # the key that asked least recently
            if key not in self._asked and len(self._asked) >= _MOST_KEYS:
                return False
            times = self._asked.setdefault(key, deque(maxlen=self.most + 1))
            times.append(now)
            self._asked.move_to_end(key)
            while times[0] <= now - self.per_s:
                times.popleft()
            return len(times) <= self.most
