"""The open next-best-offer engine."""

from nbo.rooms import check_rooms

check_rooms()  # the one thing that is done on import: a stranger's module would fail later, and far from the reason
