"""The open next-best-offer engine."""

from nbo.rooms import check_rooms

check_rooms()  # checked on import: another project's module of the same name would fail later, far from the cause
