import json
from dataclasses import replace

import pytest

from apps.command import main as entry
from matching.psi.messages import Question, Reply
from privacy.consent import ConsentRegister
from privacy.log import SigningKey


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with two lists that share 150 people: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("person_id\n" + "\n".join(f"c{number}" for number in range(200)))
    rows = "".join(f"x,c{number}\n" for number in range(50, 300))
    (tmp_path / "b.csv").write_text("city,person_id\n" + rows + rows)  # two rows for each person

    def run(*arguments: str):
        code = entry.main(["match", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


START = ("start", "a.csv", "--me", "m1", "--other", "platform", "--places", "400", "--to", "q.psi", "--books", "m")
ANSWER = (
    "answer", "q.psi", "b.csv", "--me", "platform", "--places", "400", "--role", "marketplace", "--to", "r.psi",
    "--books", "p",
)  # fmt: skip
FINISH = ("finish", "r.psi", "--me", "m1", "--books", "m")


def test_two_hosts_count_with_two_files_and_neither_file_holds_an_id(call, tmp_path):
    assert call(*START)[0] == 0
    assert call(*ANSWER, "--epsilon", "2")[0] == 0
    code, out, _ = call(*FINISH, "--epsilon", "2", "--json")
    (row,) = json.loads(out)["rows"]
    assert code == 0
    assert abs(row["value"] - 150) < 6 * row["error_95"]
    for name in ("q.psi", "r.psi"):
        assert b"c150" not in (tmp_path / name).read_bytes()
    assert list((tmp_path / "m").glob("psi-*")) == []  # the key is gone with the session


def test_one_host_plays_both_parties(call):
    code, out, _ = call("count", "a.csv", "b.csv", "--places", "400", "--epsilon", "4", "--epsilon-total", "8")
    assert code == 0
    assert "shared people, plus or minus" in out
    assert "MB were sent" in out


def test_a_step_taken_twice_is_refused(call, tmp_path):
    call(*START)
    call(*ANSWER)
    first = (tmp_path / "r.psi").read_bytes()
    code, _, err = call(*ANSWER)
    assert (code, "answered before" in err) == (2, True)
    assert (tmp_path / "r.psi").read_bytes() == first
    done = call(*FINISH)
    assert done[0] == 0
    assert call(*FINISH)[1].splitlines()[:2] == done[1].splitlines()[:2]  # the same count, and nothing was spent


def cheating(message, key, **changes):
    """A message that somebody who has the right key signed, and that no honest party sends."""
    kind = Question if b'"psi": "question"' in message else Reply
    return replace(kind.read(message), **changes).sign(key).to_bytes()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda message, key: message[:-32] + bytes(32), "changed on its way"),
        (lambda message, key: message[:-1], "bytes of points"),
        (lambda message, key: message + message[-32:], "more points than agreed"),
        (lambda message, key: message[:-32] + message[-64:-32], "a point twice"),
        (lambda message, key: message.replace(b"own_business", b"marketing_us"), "changed on its way"),
        (lambda message, key: message[: message.index(b"\n")], "first line is missing"),
        (lambda message, key: cheating(message, key, public=bytes(32)), "no point of the group"),
        (lambda message, key: cheating(message, SigningKey.generate()), "its key was given as"),
    ],
)
def test_a_question_that_no_honest_party_sends_is_refused_and_nothing_is_kept(call, tmp_path, change, says):
    call(*START)
    key = SigningKey.load(tmp_path / "m" / "log-key.pem")
    message = (tmp_path / "q.psi").read_bytes()
    (tmp_path / "q.psi").write_bytes(change(message, key))
    code, out, err = call(*ANSWER, "--asker-key", key.public_hex)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert not (tmp_path / "r.psi").exists()
    assert not (tmp_path / "p").exists() or "no point" in says  # the books are opened for whoever passes the rest
    (tmp_path / "q.psi").write_bytes(message)  # the session was not used up
    assert call(*ANSWER, "--asker-key", key.public_hex)[0] == 0


def test_a_bad_reply_costs_nothing_and_the_good_one_can_still_be_counted(call, tmp_path):
    call(*START)
    call(*ANSWER)
    message = (tmp_path / "r.psi").read_bytes()
    key = SigningKey.load(tmp_path / "p" / "log-key.pem")
    points = (*Reply.read(message).points[1:], b"\xff" * 32)
    for bad, says in ((cheating(message, key, points=points), "no point"), (message[:-1], "bytes of points"),
                      (message[:-32] + bytes(32), "changed on its way")):  # fmt: skip
        (tmp_path / "r.psi").write_bytes(bad)
        code, out, err = call(*FINISH)
        assert (code, out, err.count("\n"), says in err) == (2, "", 1, True)
    (tmp_path / "r.psi").write_bytes(message)
    assert call(*FINISH)[0] == 0


def test_nobody_enrols_at_more_than_k_max_merchants_and_the_registry_sees_no_id(call, tmp_path, capsys):
    """Two merchants, one registry: whoever got the only slot at the first one stays out at the second."""
    for name, lines in (("m1", range(60)), ("m2", range(40, 100))):
        (tmp_path / f"{name}.csv").write_text("person_id\n" + "\n".join(f"anna-{number}" for number in lines))
    period = ("2026", "--k-max", "1")
    for books in ("reg", "m1", "m2"):
        options = {"register": "consent", "log": "log", "commitments": "commitments"}
        files = [part for option, file in options.items() for part in (f"--{option}", f"{books}/{file}.sqlite")]
        assert entry.main(["consent", "period", *period, *files, "--key", f"{books}/log-key.pem"]) == 0
    done = []
    for name in ("m1", "m2"):
        steps = (
            ("start", f"{name}.csv", "--me", name, "--registry", "reg", "--to", "1", "--books", name),
            ("answer", "1", "--me", "reg", "--to", "2", "--books", "reg"),
            ("claim", "2", "--to", "3", "--books", name),
            ("admit", "3", "--me", "reg", "--to", "4", "--books", "reg"),
            ("admit", "3", "--me", "reg", "--to", "4", "--books", "reg"),  # again: nothing changes
            ("finish", "4", "--books", name, "--json"),
        )
        for step in steps:
            code, out, err = call("enrol", *step)
            assert code == 0, err
        done.append(json.loads(out[out.index("{") :])["rows"][0])
        assert call("enrol", *steps[1])[0] == 2  # a question counts once
    assert [(one["admitted"], one["full"]) for one in done] == [(60, 0), (40, 20)]
    for books in ("reg", "m2"):  # and what happened is signed for
        assert entry.main(["log", "verify", f"{books}/log.sqlite", "--key", f"{books}/log-key.pub"]) == 0
    assert "not vouched for" not in "".join(capsys.readouterr())
    register = ConsentRegister.open(tmp_path / "m2" / "consent.sqlite", log=None, commitments=None)
    present = register.enrolment.present("m2")
    assert [register.token(f"anna-{number}") in present for number in (40, 59, 60, 99)] == [False, False, True, True]
    seen = [path for path in (*tmp_path.glob("[1-4]"), *(tmp_path / "reg").iterdir()) if path.is_file()]
    assert len(seen) > 8
    assert not any(b"anna-" in path.read_bytes() for path in seen)
    assert list(tmp_path.glob("m*/enrol-*")) == []  # the list of ids is gone with the request


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (("claim", "a.csv", "--to", "2"), "no token reply"),
        (("answer", "1", "--me", "other", "--to", "2"), "for 'reg', and this is 'other'"),
        (("answer", "1", "--me", "reg", "--to", "2", "--books", "none"), "opens an accounting period first"),
        (("admit", "1", "--me", "reg", "--to", "2"), "of the kind 'token question'"),
        (("start", "none.csv", "--me", "m1", "--registry", "reg", "--to", "2"), "cannot read none.csv"),
        (("start", "a.csv", "--me", "reg", "--registry", "reg", "--to", "2"), "its own registry"),
    ],
)
def test_steps_of_an_enrolment_that_do_not_fit_are_refused(call, tmp_path, step, says):
    call("enrol", "start", "a.csv", "--me", "m1", "--registry", "reg", "--to", "1", "--books", "m1")
    code, out, err = call("enrol", *step)
    assert (code, out, err.count("\n"), says in err) == (2, "", 1, True), err
    assert not (tmp_path / "2").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("person_id\n" + "\n".join(map(str, range(99))), "fewer than 100"),
        ("person_id\n" + "\n".join(map(str, range(500))), "agree on more places"),
        ("a,b\n1,2\n", "no column 'person_id'"),
        ("person_id\n", "names nobody"),
        ("", "no line of names"),
        ("person_id,x\n1,2\n ,3\n", "line 3"),
        ('person_id\n1\n"2\n', "no CSV file"),
        ("person_id\nc\u202e17\n", "line 2"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_and_nothing_is_written(call, tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    code, out, err = call(*START)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("start", "none.csv", *START[2:]), "cannot read none.csv"),
        ((*START[:-3], "nowhere/q.psi", *START[-2:]), "there is no folder nowhere"),
        ((*START, "--places", "99"), "whole number from 100"),
        ((*START, "--epsilon", "0"), "above 0"),
        ((*START, "--other", "m1"), "with itself"),
        ((*START, "--role", "king"), "must be one of"),
        ((*START, "--most", "0"), "whole number, 1 to"),
        ((*START, "--purpose", "fun"), "may not have this release"),
        ((*START, "--delta", "0.1"), "delta"),
        (("finish", "a.csv", *FINISH[2:]), "no reply"),
        (("answer", "b.csv", *ANSWER[2:]), "no question"),
        (("answer", "b.csv", *ANSWER[2:], "--asker-key", "me"), "neither a public key"),
        ((*START, "--epsilon", "9"), "more than all counts of m1 may cost together"),
    ],
)
def test_bad_input_ends_with_one_message(call, arguments, says):
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_policy_that_forbids_the_purpose_is_asked(call):
    call(*START)
    code, _, err = call(*ANSWER, "--role", "shopper")
    assert code == 2
    assert "may not have this release" in err
