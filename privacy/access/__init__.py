"""What stands around the port: levels of consent, the log's access events, and their audit.

Enters: requests and decisions on reads; logs of them, ours or a user's table.
Leaves: rows of those who may be read; events in the documented schema; findings, what should not have been read.

    asked, decision = settle(engine, request, has_consents=True)     # privacy.access.level
    events = read_events(Path("reads.csv"))                          # privacy.access.file
    found = replay(events, {"": engine})                             # privacy.access.audit

`docs/access-audit.md` explains the schema and the audit. Rows themselves come through `privacy.port` alone.
"""
