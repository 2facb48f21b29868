"""A federation over a network: a SuperLink, SuperNodes, keys, and what each party decides for itself.

Enters: a folder for each party (`party`), which its owner made or was given. Leaves: a `FederatedResult`, which the
server kept in its own folder.

    site = Site.make(Path("trial"), source)     # all parties' folders, on one machine
    site.up()
    result = run(config, engine="deploy", place=Path("trial"))
    site.down()
"""

__all__ = [
    "book",
    "bundle",
    "client",
    "control",
    "drive",
    "executor",
    "gate",
    "holdings",
    "invitation",
    "keys",
    "launch",
    "party",
    "pinned",
    "processes",
    "results",
    "server",
    "site",
    "split",
    "supernode",
    "versions",
]
