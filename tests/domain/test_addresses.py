from ipaddress import ip_address

import pytest

from domain.addresses import Inside, entry_mistake, is_public

INWARD = """
127.0.0.1 127.9.9.9 10.1.1.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 0.0.0.0 224.0.0.1 239.1.1.1
255.255.255.255 240.0.0.1 ::1 :: fd00::1 fd00:ec2::254 fe80::1 fec0::1 ff0e::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::7f00:1 2002:7f00:1::1 2002:a00:1::1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
"""
SPECIAL = """
127.0.0.1 169.254.169.254 0.0.0.0 224.0.0.1 255.255.255.255 ::1 :: fe80::1 ff0e::1 ::ffff:127.0.0.1
::ffff:169.254.169.254 ::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1::1
"""


@pytest.mark.parametrize("text", INWARD.split())
def test_what_leads_inside_is_sent_to_by_nobody_who_did_not_name_it(text):
    assert not is_public(ip_address(text))
    assert not Inside().allows("crm.bank.example", ip_address(text))
    assert not Inside(["other.bank.example", "192.0.2.0/24"]).allows("crm.bank.example", ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_what_is_public_needs_no_leave(text):
    assert is_public(ip_address(text))
    assert Inside().allows("crm.example", ip_address(text))


@pytest.mark.parametrize("text", SPECIAL.split())
def test_a_name_does_not_lead_to_this_machine_or_to_where_clouds_keep_passwords(text):
    assert not Inside(["crm.bank.example"]).allows("crm.bank.example", ip_address(text))


@pytest.mark.parametrize("host", ["crm.bank.example", "CRM.bank.example", "crm.bank.example."])
def test_a_name_leads_to_private_addresses_however_it_is_written(host):
    for text in ("10.1.2.3", "100.64.0.1", "fd00::1"):
        assert Inside(["Crm.Bank.example"]).allows(host, ip_address(text))
    assert not Inside(["crm.bank.example"]).allows(f"evil.{host}", ip_address("10.1.2.3"))


def test_a_network_leads_to_what_is_in_it_and_nothing_else():
    inside = Inside(["10.20.0.0/16", "169.254.7.7", "fd00:1::/32"])
    allowed = ["10.20.255.1", "169.254.7.7", "fd00:1::7", "::ffff:10.20.0.1"]
    assert all(inside.allows("any.example", ip_address(text)) for text in allowed)
    assert not any(inside.allows("any.example", ip_address(text)) for text in ("10.21.0.1", "169.254.7.8", "fd01::7"))


@pytest.mark.parametrize(
    "entry", ["", "*", "*.bank.example", "10.0.0.1/8", "http://crm", "crm:8080", "2130706433", "0x7f.1"]
)
def test_an_entry_that_names_nothing_is_reported(entry):
    assert entry_mistake(entry)
