"""Every column name once. Tables are pandas frames whose columns carry these names.

Ids are int64 or strings, as the source has them, and compare equal across tables. Money is in the data set's
currency, `SALES` after discounts. `DAY` counts local calendar days since 1970-01-01, so that no day number
depends on anybody's rows.
"""

from typing import Final

PERSON: Final = "person_id"
BASKET: Final = "basket_id"
PRODUCT: Final = "product_id"
STORE: Final = "store_id"
MERCHANT: Final = "merchant_id"
TIME: Final = "purchased_at"
DAY: Final = "day"
QUANTITY: Final = "quantity"
SALES: Final = "sales_value"

MANUFACTURER: Final = "manufacturer_id"
DEPARTMENT: Final = "department"
BRAND: Final = "brand"
CATEGORY: Final = "category"
TYPE: Final = "type"
PACKAGE: Final = "package_size"

CAMPAIGN: Final = "campaign_id"
CAMPAIGN_KIND: Final = "campaign_type"
CAMPAIGN_START: Final = "start_date"
CAMPAIGN_END: Final = "end_date"
WEEK: Final = "week"
DISPLAY: Final = "display_location"
MAILER: Final = "mailer_location"
ADVERTISED: Final = "advertised"
RESPONDED: Final = "responded"

TAXONOMY: Final = (TYPE, CATEGORY, MANUFACTURER, BRAND, DEPARTMENT)
