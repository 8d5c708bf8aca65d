import pytest

from domain.addresses import Inside
from serving.outgoing import AddressRefusedError, Way, check_form, way_to

HERE = Inside(["127.0.0.0/8", "::1"])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crm",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://crm.bank.example/",
        "http:///contacts",
        "http://crm.bank.example:99999/",
        "http://[::1/",
        "https://crm.bank.example\\@10.0.0.1/",
        "https://crm.bank.example /",
        "https://crm.bank.example/\r\nHost: other",
        "https://crm.bank.example@10.0.0.1/",
        "https://user:password@crm.bank.example/",
        "https://@crm.bank.example/",
    ],
)
def test_an_address_that_two_may_read_differently_is_refused_and_not_repeated(url):
    with pytest.raises(AddressRefusedError, match="CRM_URL") as refused:
        check_form(url, "CRM_URL")
    assert "password" not in str(refused.value)
    assert "10.0.0.1" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"])
def test_this_machine_is_recognized_however_it_is_written(host):
    with pytest.raises(AddressRefusedError, match=r"CRM_URL leads to an internal address: got (127.0.0.1|::1)"):
        way_to(f"https://{host}:8443/", "CRM_URL", Inside(["crm.bank.example"]))
    assert set(way_to(f"http://{host}/", "CRM_URL", HERE).addresses) <= {"127.0.0.1", "::1"}


def test_contacts_do_not_go_over_the_public_network_in_the_clear():
    with pytest.raises(AddressRefusedError, match=r"unencrypted: got http:// to 8\.8\.8\.8"):
        way_to("http://8.8.8.8/", "CRM_URL", Inside())
    assert way_to("https://8.8.8.8/", "CRM_URL", Inside()) == Way(("8.8.8.8",))


def test_through_a_proxy_which_finds_addresses_itself_only_who_is_named_is_sent_to(monkeypatch):
    monkeypatch.setenv("https_proxy", "proxy.bank.example:3128")
    with pytest.raises(AddressRefusedError, match="a proxy that resolves names itself"):
        way_to("https://crm.example/", "CRM_URL", Inside())
    assert way_to("https://crm.example/", "CRM_URL", Inside(["crm.example"])).proxy == "http://proxy.bank.example:3128"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert way_to("https://127.0.0.1/", "CRM_URL", HERE).proxy is None
