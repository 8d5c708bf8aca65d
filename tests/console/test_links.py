"""A link of the console says nothing to whoever it was not made for."""

import base64

from console.links import CustomerLinks

# long enough that no random token has it by chance
CUSTOMER = "customer-4711-of-the-branch-in-vaduz"


def test_an_address_does_not_name_its_customer():
    token = CustomerLinks("a secret", 8).token(CUSTOMER, "ann")
    assert CUSTOMER not in token
    assert CUSTOMER.encode() not in base64.urlsafe_b64decode(token)


def test_an_address_opens_for_its_person_alone_and_by_the_same_secret():
    token = CustomerLinks("a secret", 8).token(CUSTOMER, "ann")
    assert CustomerLinks("a secret", 8).customer(token, "ann") == CUSTOMER
    assert CustomerLinks("a secret", 8).customer(token, "bob") is None
    assert CustomerLinks("another secret", 8).customer(token, "ann") is None
    assert CustomerLinks("a secret", -1).customer(token, "ann") is None, "too old"
