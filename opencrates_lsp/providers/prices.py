"""What well-known models cost, in USD per million tokens of input and of output.

The table is a help and not the truth: prices change, and `ai.prices` in the settings overrides it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Price = tuple[float, float]

AS_OF = "2025-09"
"""When the table was last held against the providers' public price lists."""

PRICES: Mapping[str, Price] = {
    "gpt-5": (1.25, 10.0),
    "gpt-5-mini": (0.25, 2.0),
    "gpt-5-nano": (0.05, 0.4),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4o": (2.5, 10.0),
    "gpt-4o-mini": (0.15, 0.6),
    "o3": (2.0, 8.0),
    "o4-mini": (1.1, 4.4),
}

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def price_of(model: str, overrides: Mapping[str, Price] | None = None, *, loopback: bool = False) -> Price | None:
    """The price of `model`; None when nobody knows it, so that whoever keeps a budget has to ask.

    A dated snapshot ("gpt-4.1-2025-04-14") costs what its model costs; a model of this machine costs nothing.
    """
    overrides = overrides or {}
    if model in overrides:
        return overrides[model]
    if loopback:
        return (0.0, 0.0)
    family = _SNAPSHOT.sub("", model)
    return overrides.get(family) or PRICES.get(model) or PRICES.get(family)


def cost_usd(price: Price | None, input_tokens: int, output_tokens: int) -> float:
    """What so many tokens cost; nothing where the price is not known."""
    if price is None:
        return 0.0
    return (price[0] * input_tokens + price[1] * output_tokens) / 1_000_000
