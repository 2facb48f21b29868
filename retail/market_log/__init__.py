"""A marketplace's log: who was shown where, what sold, who read whose data, who asked for theirs, who advertised.

Enters: a folder of CSV or Parquet tables in the schema of docs/market-audit.md, or tables of a simulation.
Leaves: a `MarketLog` whose tables keep every rule of the schema, and a folder that holds it.

    from retail.market_log import MarketLog, read_log, write_log
    log = read_log("log")
    print(log.qualities, len(log.impressions))
    write_log(MarketLog(impressions=log.impressions), "ranking-only")
"""

from retail.market_log.files import read_log, write_log
from retail.market_log.log import MarketLog, check
from retail.market_log.schema import TABLES

__all__ = ["TABLES", "MarketLog", "check", "read_log", "write_log"]
