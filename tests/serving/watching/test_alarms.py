"""Who is told of a red light, and when: once, after the window, not again within the cool-down, and by real servers."""

import json
import socketserver
import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from config.watching import AlarmMail, Watching
from domain.addresses import Inside
from domain.errors import StateError
from domain.health import Light, Reading
from serving.outgoing import AddressRefusedError
from serving.watching.alarms import FILE, keep_readings, read_health, words_of
from serving.watching.mail import check_mail_server, mail_alarms
from tests.serving.delivery.build import webhook
from tests.serving.delivery.receiver import receiving

NOW = datetime(2026, 6, 1, 5, tzinfo=UTC)
HERE = Inside(["127.0.0.1"])


def reading(light, subject="email"):
    return Reading(
        check="confirmed_share", subject=subject, light=light, value=0.7, sentence="10,000 exported, 7,000 confirmed"
    )


class Nights:
    """Readings kept one after the other."""

    def __init__(self, folder, **settings):
        self.folder, self.settings, self.told, self.works = folder, Watching(**settings), [], True

    def take(self, light, minutes):
        def tell(due):
            if not self.works:
                raise OSError("no route to host")
            self.told.append((minutes, [one.subject for one in due]))

        keep_readings(self.folder, [reading(light)], self.settings, {"way": tell}, NOW + timedelta(minutes=minutes))


def test_a_light_that_stays_red_is_told_once(tmp_path):
    nights = Nights(tmp_path)
    for minutes in (0, 10, 90, 2_000):
        nights.take(Light.RED, minutes)
    assert nights.told == [(0, ["email"])]


def test_amber_is_shown_and_not_told(tmp_path):
    nights = Nights(tmp_path)
    nights.take(Light.AMBER, 0)
    assert not nights.told
    assert read_health(tmp_path).readings[0].light is Light.AMBER


def test_a_light_that_turns_red_again_is_told_after_the_cool_down(tmp_path):
    nights = Nights(tmp_path)
    for minutes, light in ((0, Light.RED), (10, Light.GREEN), (20, Light.RED), (59, Light.RED), (61, Light.RED)):
        nights.take(light, minutes)
    assert [minutes for minutes, _ in nights.told] == [0, 61]


def test_a_light_must_have_been_red_for_the_window(tmp_path):
    nights = Nights(tmp_path, window_minutes=30.0)
    for minutes, light in ((0, Light.RED), (20, Light.GREEN), (25, Light.RED), (50, Light.RED), (55, Light.RED)):
        nights.take(light, minutes)
    assert [minutes for minutes, _ in nights.told] == [55]


def test_what_could_not_be_told_is_told_the_next_time_and_says_why(tmp_path):
    nights = Nights(tmp_path)
    nights.works = False
    nights.take(Light.RED, 0)
    assert read_health(tmp_path).failed == {"way": "no route to host"}
    nights.works = True
    nights.take(Light.RED, 5)
    assert nights.told == [(5, ["email"])]
    assert not read_health(tmp_path).failed


def test_readings_come_back_as_they_were_with_red_ones_first(tmp_path):
    kept = [reading(Light.GREEN, "app"), reading(Light.RED), reading(Light.UNKNOWN, "push")]
    keep_readings(tmp_path, kept, Watching(), {}, NOW)
    health = read_health(tmp_path)
    assert health.as_of == NOW
    assert [one.light.value for one in health.readings] == ["red", "unknown", "green"]
    assert set(health.readings) == set(kept)


def test_before_the_first_reading_there_is_none_and_a_damaged_file_is_said(tmp_path):
    assert read_health(tmp_path).as_of is None
    (tmp_path / FILE).write_text("{")
    with pytest.raises(StateError, match="damaged"):
        read_health(tmp_path)


class _Server(socketserver.StreamRequestHandler):
    """As much of an SMTP server as takes one message."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (content := self.rfile.readline()) != b".\r\n":
                    lines.append(content)
                self.server.messages.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


def test_alarms_are_sent_by_mail(tmp_path):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Server) as server:
        server.daemon_threads, server.messages = True, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = AlarmMail(server="SMTP", sender="nbo@bank.example", to=("risk@bank.example", "it@bank.example"))
        mail = mail_alarms(settings, f"smtp://127.0.0.1:{server.server_address[1]}", "demo", HERE)
        keep_readings(tmp_path, [reading(Light.RED)], Watching(), {"mail": mail}, NOW)
        server.shutdown()
    [message] = server.messages
    assert "To: risk@bank.example, it@bank.example" in message
    assert "10,000 exported, 7,000 confirmed" in message


@pytest.mark.parametrize(("answer", "failed"), [(200, {}), (503, {"webhook": "503"})])
def test_alarms_are_posted_signed_as_contacts_are(tmp_path, answer, failed):
    with receiving(script=[answer]) as receiver:
        post = webhook(receiver).post
        ways = {"webhook": lambda due: post(orjson.dumps(words_of("demo", due)), "ids")}
        keep_readings(tmp_path, [reading(Light.RED)], Watching(), ways, NOW)
        told = json.loads(receiver.requests[0][1])
    assert (told["bank"], told["alarms"][0]["sentence"]) == ("demo", "10,000 exported, 7,000 confirmed")
    found = read_health(tmp_path).failed
    assert found.keys() == failed.keys()
    assert all(words in found[name] for name, words in failed.items())


def test_a_server_that_is_away_is_said_and_stops_nothing(tmp_path):
    settings = AlarmMail(server="SMTP", sender="nbo@bank.example", to=("risk@bank.example",), timeout_seconds=1.0)
    mail = mail_alarms(settings, "smtp://127.0.0.1:1", "demo", HERE)
    keep_readings(tmp_path, [reading(Light.RED)], Watching(), {"mail": mail}, NOW)
    assert "refused" in read_health(tmp_path).failed["mail"].lower()


def test_a_server_inside_that_nobody_named_gets_nothing_and_the_others_do(tmp_path):
    told = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Server) as server, receiving() as receiver:
        server.daemon_threads, server.messages = True, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = AlarmMail(server="SMTP", sender="nbo@bank.example", to=("risk@bank.example",))
        mail = mail_alarms(settings, f"smtp://127.0.0.1:{server.server_address[1]}", "demo", Inside())
        post = webhook(receiver, inside=()).post
        ways = {"mail": mail, "webhook": lambda due: post(b"{}", "ids"), "other": told.append}
        keep_readings(tmp_path, [reading(Light.RED)], Watching(), ways, NOW)
        server.shutdown()
    health = read_health(tmp_path)
    assert (server.messages, receiver.requests, len(told)) == ([], [], 1)
    assert health.failed.keys() == {"mail", "webhook"}
    assert all("internal address" in reason for reason in health.failed.values())
    assert [one.light for one in health.readings] == [Light.RED]


def test_alarms_do_not_go_over_the_public_network_in_the_clear():
    for server in ("smtps://8.8.8.8", "smtp://nbo:secret@8.8.8.8"):
        assert check_mail_server(server, "SMTP", Inside()) == ("8.8.8.8",)
    with pytest.raises(AddressRefusedError, match=r"unencrypted: got smtp:// to 8\.8\.8\.8"):
        check_mail_server("smtp://8.8.8.8", "SMTP", Inside())


@pytest.mark.parametrize("server", ["", "relay", "http://relay/", "smtp://", "smtp://u:secret@[::1", "smtp://relay:0"])
def test_what_is_no_mail_server_is_told_without_its_secrets(server):
    with pytest.raises(AddressRefusedError, match="SMTP is not a usable address") as refused:
        check_mail_server(server, "SMTP", HERE)
    assert "secret" not in str(refused.value)
