"""Faces of people who agreed to it: enrolment, greeting at the door, payment; everybody else leaves nothing behind.

Enters: photos, consent receipts, a calibration made on other people. Leaves: Match, NoMatch or Refused, never a score;
log entries with commitments; noisy counts of visits.

    permission = Permission(register, engine, "m1", "in_store_recognition", dataset="faces-m1", jurisdiction="EU")
    vault = Vault.of("books/faces.sqlite", merchant="m1", model=encoder.model, dimension=encoder.dimension)
    FaceEnrolment(encoder, vault, permission, liveness, log, commitments).enrol("17", photos, receipt)
    decision = Greeter(encoder, vault, permission, calibration, log, commitments).greet(photo, device="door")

The modules are imported one by one.
"""

__all__ = [
    "calibrate",
    "calibration",
    "decision",
    "encoder",
    "enrol",
    "evaluate",
    "exported",
    "identify",
    "open_set",
    "pad",
    "pay",
    "permission",
    "texture",
    "vault",
]
