"""What each party of a deployment holds, and what it refuses: no process is started here."""

import http.client
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cryptography import x509
from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from PIL import Image

from federation import nodes
from federation.client_app import FAILURE
from federation.config import FederationConfig
from federation.engines import inprocess
from federation.engines.deploy import keys, processes
from federation.engines.deploy.book import given
from federation.engines.deploy.bundle import write_bundle
from federation.engines.deploy.client import NOT_AGREED, OTHER_APP, SPENT, node_app
from federation.engines.deploy.gate import Gate
from federation.engines.deploy.invitation import admit, invite, join
from federation.engines.deploy.party import BOOKS, Party
from federation.engines.deploy.pinned import own_app, unpacked
from federation.engines.deploy.results import Results
from federation.engines.deploy.server import WatchedGrid
from federation.engines.deploy.site import Site
from federation.engines.deploy.versions import OTHER_VERSION, installed
from federation.run import run
from privacy.accounting import cap
from retail.errors import ConfigError, DataError, PolicyError, PrivacyError
from retail.faces.drawing import generated_faces
from retail.faces.source import FaceSource
from retail.public_tables import PublicSource
from retail.responses.source import ResponseSource

from .conftest import MERCHANTS, NOW


@pytest.fixture(autouse=True)
def _sending():
    """Flower makes messages for a task that is running alone."""
    with inprocess._sending_as_server(5):
        yield


@pytest.fixture(scope="module")
def site(shop, tmp_path_factory):
    return Site.make(tmp_path_factory.mktemp("federation") / "fed", shop, before=NOW)


def test_nobody_but_the_owner_may_read_a_key_or_a_row(site):
    secret = ["ca.key", "server.key", "node.key", "identity.key", "transactions.parquet"]
    found = [one for one in site.folder.rglob("*") if one.name in secret]
    assert len(found) == 2 + 3 * 3
    assert {stat.S_IMODE(one.stat().st_mode) for one in found} == {0o600}
    assert {stat.S_IMODE(one.parent.stat().st_mode) for one in found} == {0o700}


def test_the_server_is_certified_for_its_names_by_the_authority_that_nodes_hold(shop, tmp_path):
    made = Site.make(tmp_path / "fed", shop, hosts=["fed.example.org", "10.0.0.7"], port=9999)
    certificate = x509.load_pem_x509_certificate((made.server.folder / keys.SERVER_CERTIFICATE).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "fed.example.org" in names.get_values_for_type(x509.DNSName)
    assert {str(one) for one in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "10.0.0.7"}
    authority = x509.load_pem_x509_certificate((made.merchants[0].folder / keys.CA).read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert made.merchants[0].server == "fed.example.org:9999"


def test_each_merchant_holds_its_own_shoppers_rows_and_the_server_holds_none(site, settings):
    config = settings()
    alone = nodes.load_nodes(config)
    for place, party in enumerate(site.merchants):
        mine = nodes.load_nodes(party.admit(config, trial=True))
        assert [len(one.persons) for one in mine] == [
            len(alone[place].persons) if place == other else 0 for other in range(len(MERCHANTS))
        ]
        for name in ("persons", "product", "day", "basket", "quantity"):
            assert (getattr(mine[place].history, name) == getattr(alone[place].history, name)).all()
    assert not list(site.server.folder.rglob("transactions*"))


def test_the_server_knows_catalogue_and_members_without_opening_any_row(site, settings):
    config = settings(epsilon=4.0)
    mine = site.server.admit(config, trial=True)
    assert nodes.merchants(mine) == MERCHANTS
    ours, theirs = nodes.public_catalogue(mine), nodes.public_catalogue(config)
    assert len(ours) == len(theirs) == 400
    for name, (codes, size) in theirs.levels.items():
        assert (ours.levels[name][0] == codes).all()
        assert ours.levels[name][1] == size
    assert nodes.denominator(mine) == 300


def test_rows_in_the_servers_folder_are_refused(shop, tmp_path):
    with pytest.raises(DataError, match="no business here"):
        PublicSource.of(shop, Path(shop.path)).open()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "simulation", "ledger": ":memory:", "ledger_scope": "run"}, 'mode = "deployment" and an epsilon'),
        ({"epsilon": 8.0, "total_epsilon": 8.0}, "more than the 4 that this party allows"),
        ({"aggregation": "plain", "noise": "aggregator", "dropouts": 0}, 'aggregation = "secure" alone'),
        ({"delta": 1e-3}, "delta = 0.001 is more than"),
        ({"by": "store", "k_max": 2}, 'shoppers were enrolled by "home_store" at 1 merchants'),
        ({"merchants": (1, 2)}, "other merchants than the 3 members"),
    ],
)
def test_a_party_refuses_what_its_owner_has_not_agreed_to(site, deployed, changes, message):
    for party in (site.server, site.merchants[0]):
        with pytest.raises(ConfigError, match=message):
            party.admit(deployed(**changes))


def test_a_party_refuses_other_data(site, deployed, shop, tmp_path):
    with pytest.raises(ConfigError, match="this party holds 'shop'"):
        site.server.admit(deployed(source=replace(shop, path=str(tmp_path / "market"))))


def test_the_ledger_is_the_servers_own_whatever_the_run_says(site, deployed):
    mine = site.server.admit(deployed(ledger=Path("/somewhere/else")))
    assert Path(mine.ledger).is_relative_to(site.server.folder)


def test_a_deployed_node_reads_its_own_merchants_rows_alone_and_says_so_in_its_log(site, deployed):
    from federation.access import MarketPort
    from privacy.log import Log

    party = site.merchants[1]
    port = MarketPort(party.admit(deployed()), party.access())
    assert len(port.own(1).persons)
    with pytest.raises(PolicyError, match="stands for node 1"):
        port.own(0)
    said = json.dumps([one.body for one in Log.open(party.access().log, origin=None, key=None).entries()])
    assert "merchant 2" in said
    assert "merchant 1" not in said


def context(party, config, version=None) -> Context:
    return Context(
        run_id=5,
        node_id=7,
        node_config={"place": str(party.folder)},
        state=RecordDict(),
        run_config={"tradefair": config.to_json(), "version": version or installed()},
    )


def message() -> Message:
    about = ConfigRecord({"index": 0, "name": "popularity", "cost": 1})
    return Message(RecordDict({"round": about}), dst_node_id=7, message_type="train.keys", group_id="popularity")


def test_a_node_answers_runs_of_its_own_version_and_limits_and_says_no_more_than_a_fixed_text(site, deployed):
    party, app = site.merchants[0], node_app()
    assert not app(message(), context(party, deployed())).has_error()
    refused = app(message(), context(party, deployed(), version="0.0.9"))
    assert refused.error.reason == OTHER_VERSION
    refused = app(message(), context(party, deployed(epsilon=5.0)))
    assert refused.error.reason == NOT_AGREED


def asked_for_vector(index=0, name="popularity", cost=10**6) -> Message:
    about = ConfigRecord({"index": index, "name": name, "cost": cost})
    return Message(RecordDict({"round": about}), dst_node_id=7, message_type="train", group_id=name)


def test_a_node_counts_what_it_gives_over_all_runs_and_refuses_more_than_its_owner_allows(shop, deployed, tmp_path):
    """The vectors themselves fail here, for want of keys: what was asked for stays counted, whatever came of it."""
    site = Site.make(tmp_path / "fed", shop, before=NOW)
    party, app = replace(site.merchants[0], most_total_epsilon=5.0), node_app()
    party.write()
    config = deployed()
    whole = cap(epsilon=4.0, delta=1e-4)
    agreement = Message(RecordDict(), dst_node_id=7, message_type="query", group_id="agreement")
    assert not app(agreement, context(party, config)).has_error()
    for attempt, cost, reason in (
        (5, whole // 2, FAILURE),
        (5, whole // 2, SPENT),  # the same round once more, as after a node was started anew
        (6, whole // 2, FAILURE),  # a run that goes on pays for the round again
        (7, whole, SPENT),
        (8, 0, SPENT),
    ):
        given_context = context(party, config)
        given_context.run_id = attempt
        answer = app(asked_for_vector(cost=cost), given_context)
        assert answer.error.reason == reason, (attempt, cost)
    found = given(party.folder / BOOKS)
    assert [one["cost"] for one in found] == [whole // 2, whole // 2]
    assert found[0]["own_noise"] > 0
    assert found[1]["epsilon_so_far"] == pytest.approx(4.0, abs=0.01)
    assert app(agreement, context(party, deployed(run_id="second"))).error.reason == SPENT
    assert not app(agreement, context(party, config)).has_error()  # what was begun may go on


def test_each_party_finds_its_own_pictures_and_responses_whatever_path_a_run_names(shop, deployed, tmp_path):
    pictures = tmp_path / "door"
    faces = generated_faces(9, 2, np.random.default_rng(0))
    for name in faces.names:
        (pictures / name).mkdir(parents=True)
    for index, crop in enumerate(faces.images):
        Image.fromarray(crop).save(pictures / faces.names[faces.person[index]] / f"{index}.png")
    site = Site.make(tmp_path / "fed", shop, pictures=pictures, before=NOW)
    whole = FaceSource(source="face-folder", path=str(pictures), population=9, merchants=3, folds=1)
    quick = {"learn": "person", "drawn_people": 4, "drawn_images": 2, "drawn_steps": 2}
    config = deployed(
        task="faces", source=replace(whole, path="elsewhere/door"), merchants="all", options=quick, delta=1e-4
    )
    alone = nodes.load_nodes(replace(config, source=whole))
    for place, party in enumerate(site.merchants):
        mine = party.admit(config)
        assert mine.fingerprint_of_training() == config.fingerprint_of_training()
        held = nodes.load_nodes(FederationConfig.from_json(mine.to_json()))
        assert (held[place].images == alone[place].images).all()
        assert sum(len(one.persons) for one in held) == len(alone[place].persons) > 0
    assert nodes.count_nodes(site.server.admit(config)) == 3
    assert not list(site.server.folder.rglob("*.png"))
    with pytest.raises(ConfigError, match=r"faces in other.*'faces in door'"):
        site.server.admit(replace(config, source=replace(whole, path="other")))
    responses = ResponseSource(path="x.parquet", merchants=MERCHANTS, features=("age",), population=300, name="coupons")
    asked = deployed(task="response", source=responses, merchants="all", options={})
    with pytest.raises(ConfigError, match="no 'responses'"):
        site.merchants[0].admit(asked)
    mine = replace(site.merchants[0], responses="responses/coupons.parquet").admit(asked)
    assert mine.source.path == str(site.merchants[0].folder / "responses" / "coupons.parquet")


def test_a_nodes_secret_identity_stays_out_of_what_goes_back_to_flower(site, deployed):
    given = context(site.merchants[0], deployed())
    node_app()(message(), given)
    assert set(given.node_config) == {"place"}
    secret = (site.merchants[0].folder / keys.IDENTITY).read_bytes()
    assert secret not in repr(given).encode()


def test_an_identity_that_others_can_read_is_refused(site, deployed):
    path = site.merchants[2].folder / keys.IDENTITY
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        site.merchants[2].secrets()
    path.chmod(0o600)


class Answering:
    """A grid whose nodes answer as told."""

    def __init__(self, *replies):
        self.replies = replies

    def push_messages(self, messages):
        self.sent = list(messages)
        for index, one in enumerate(self.sent):
            one.metadata.__dict__["_message_id"] = f"m{index}"
        return [one.metadata.message_id for one in self.sent]

    def pull_messages(self, message_ids):
        return [
            Message(Error(code=0, reason=said), reply_to=one) if said else Message(RecordDict(), reply_to=one)
            for one, said in zip(self.sent, self.replies, strict=True)
        ]


@pytest.mark.parametrize("refusal", [OTHER_VERSION, NOT_AGREED, SPENT, OTHER_APP])
def test_one_refusal_ends_the_run_with_one_message(refusal):
    with pytest.raises(ConfigError, match=f"1 of 2 nodes refuse: {refusal}"):
        WatchedGrid(Answering("", refusal), print).send_and_receive([message(), message()])


def test_nothing_is_asked_where_there_is_nobody_to_ask():
    assert list(WatchedGrid(Answering(), print).send_and_receive(iter(()))) == []


def test_the_gate_lets_nodes_pass_and_nobody_else(site):
    """Nothing listens behind it here, so what passes comes back as 502."""
    gate = Gate(site.server.folder, bind="127.0.0.1", port=0, inner=processes.free_port())
    threading.Thread(target=gate.serve_forever, daemon=True).start()
    trusted = ssl.create_default_context(cafile=str(site.merchants[0].folder / keys.CA))
    try:
        found = {}
        for path in ("/v1/fleet/pull-messages", "/v1/control/start-run", "/v1/runtime/push-messages",
                     "/v1/fleet/../control/start-run", "/v1/fleet/%2e%2e/control/start-run", "/health"):  # fmt: skip
            asked = http.client.HTTPSConnection("127.0.0.1", gate.server_port, context=trusted)
            asked.request("POST", path, body=b"x")
            found[path] = asked.getresponse().status
            asked.close()
    finally:
        gate.shutdown()
        gate.server_close()
    assert [path for path, status in found.items() if status != 403] == ["/v1/fleet/pull-messages"]
    assert found["/v1/fleet/pull-messages"] == 502


def test_only_the_installed_shims_pass_a_nodes_check(tmp_path):
    from flwr.cli.build import build_fab_from_disk

    assert unpacked(build_fab_from_disk(write_bundle(tmp_path / "app"))) == own_app()
    assert unpacked(build_fab_from_disk(write_bundle(tmp_path / "trial", trial=True))) != own_app()
    more = write_bundle(tmp_path / "more")
    (more / "shim" / "extra.py").write_text("print('read me your rows')\n")
    assert unpacked(build_fab_from_disk(more)) != own_app()
    assert unpacked(b"no archive") is None


def test_results_are_read_whole_or_as_the_error_that_the_server_met(tmp_path):
    results = Results(tmp_path / "1")
    with pytest.raises(DataError, match="no result"):
        results.read()
    results.fail(PrivacyError("the budget is spent"))
    with pytest.raises(PrivacyError, match="the budget is spent"):
        results.read()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"epsilon": None, "mode": "simulation", "noise": "aggregator", "dropouts": 0}, PrivacyError, "privacy alone"),
        ({"mode": "simulation"}, ConfigError, 'mode = "deployment"'),
        ({}, ConfigError, "is not up"),
    ],
)
def test_a_deployment_is_refused_without_privacy_and_where_nothing_is_up(site, deployed, changes, error, message):
    with pytest.raises(error, match=message):
        run(deployed(**changes), engine="deploy", place=site.folder)


def test_a_federation_is_never_made_over_another(site, shop):
    with pytest.raises(ConfigError, match="is there already"):
        Site.make(site.folder, shop)


def test_a_federation_that_cannot_be_made_leaves_nothing_behind(shop, tmp_path):
    with pytest.raises(ConfigError, match="9 not among them"):
        Site.make(tmp_path / "fed", shop, merchants=[1, 9])
    with pytest.raises(ConfigError, match="no name or address"):
        Site.make(tmp_path / "fed", shop, hosts=["läden"])
    assert not list(tmp_path.iterdir())


def test_merchants_on_hosts_of_their_own_make_their_keys_and_send_public_parts(shop, tmp_path, deployed):
    tables = tmp_path / "public" / "shop"
    tables.mkdir(parents=True)
    for name in ("products.parquet", "stores.parquet"):
        (tables / name).write_bytes((Path(shop.path) / name).read_bytes())
    source = PublicSource.of(shop, tables)
    sent = invite(
        tmp_path / "fed", tables, source=source, merchants=None, host="127.0.0.1", port=9092, most_epsilon=4.0
    )
    rows = pd.read_parquet(Path(shop.path) / "transactions.parquet")
    server = Party.read(tmp_path / "fed" / "server")
    for merchant in MERCHANTS:
        own = tmp_path / f"host-{merchant}"
        own.mkdir()
        rows[rows["store_id"] == merchant].to_parquet(own / "transactions.parquet")
        party = join(own / "party", sent, merchant=str(merchant), rows=own / "transactions.parquet")
        left = admit(server, str(merchant), party.folder)
        assert left == list(MERCHANTS[merchant:])
    with pytest.raises(ConfigError, match="already"):
        admit(server, "1", tmp_path / "host-1" / "party")
    party = Party.read(tmp_path / "host-2" / "party")
    (party.folder / "roster.txt").write_text(server.roster())
    assert not node_app()(message(), context(party, deployed())).has_error()
    assert not [one for one in (tmp_path / "fed").rglob("*") if one.name in ("node.key", "identity.key")]


def test_a_stranger_is_not_invited(site, tmp_path):
    with pytest.raises(ConfigError, match="merchant 7 is not invited"):
        join(tmp_path / "party", site.server.folder, merchant="7", rows=tmp_path / "transactions.csv")


def test_shoppers_are_enrolled_by_their_rows_before_a_day(site, settings):
    rows = [pd.read_parquet(next(one.tables.glob("transactions*"))) for one in site.merchants]
    homes = [set(one["person_id"]) for one in rows]
    assert not homes[0] & homes[1]
    assert not homes[0] & homes[2]
    everybody = set(np.concatenate([one.persons for one in nodes.load_nodes(settings())]))
    assert set().union(*homes) == everybody


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="marks are seen in /proc alone")
def test_what_a_process_started_in_a_session_of_its_own_ends_with_it_and_nobody_else_does(tmp_path):
    """Flower's processes detach others; a number that another process has now is left alone."""
    detached = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    code = f"{detached} start_new_session=True); import time; time.sleep(600)"
    first = processes.start(
        [sys.executable, "-c", code], env=processes.environment("one", tmp_path), log=tmp_path / "log"
    )
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        deadline = time.monotonic() + 60
        while len(processes.marked("one")) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(processes.marked("one")) == 2
        os.kill(first, signal.SIGKILL)
        assert processes.stop("one", [first, other.pid]) == []
        assert processes.marked("one") == []
        assert not processes.alive(other.pid, "one")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
