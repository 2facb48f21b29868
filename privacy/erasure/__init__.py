"""How a person leaves: every place that holds the person, what is done there, and a signed certificate.

Enters: the places (stores, indexes, caches, exports, models) with what each was built from, and one person's id.
Leaves: a plan, places without the person, a tombstone that refuses the person's return, a certificate.

    registry = Registry()
    registry.add(TableFolder("tables", "my-shop", tombstones=register.tombstones))
    registry.add(LruCache("lookups", lookup, tombstones=register.tombstones), built_from=["tables"])
    erasure = Erasure(registry, register=register, log=log, journal="books/erasure.sqlite")
    certificate = erasure.run("17")                        # repeat it after a crash: it goes on where it stopped

`docs/consent-and-erasure.md` shows a request step by step, and says what no erasure can reach.
"""

from privacy.erasure.cache import LruCache
from privacy.erasure.certificate import Certificate, check_certificate
from privacy.erasure.execute import Erasure
from privacy.erasure.exports import Export
from privacy.erasure.indexes import FileIndex, Index
from privacy.erasure.lineage import Lineage, Registry
from privacy.erasure.models import Model
from privacy.erasure.places import Action, Checked, PlaceKind, Store
from privacy.erasure.plan import Plan, Step, make_plan
from privacy.erasure.registers import CommitmentsStore, RegisterStore
from privacy.erasure.registry_file import PlaceType, read_registry
from privacy.erasure.run_store import run_places
from privacy.erasure.table_folder import TableFolder

__all__ = [
    "Action",
    "Certificate",
    "Checked",
    "CommitmentsStore",
    "Erasure",
    "Export",
    "FileIndex",
    "Index",
    "Lineage",
    "LruCache",
    "Model",
    "PlaceKind",
    "PlaceType",
    "Plan",
    "RegisterStore",
    "Registry",
    "Step",
    "Store",
    "TableFolder",
    "check_certificate",
    "make_plan",
    "read_registry",
    "run_places",
]
