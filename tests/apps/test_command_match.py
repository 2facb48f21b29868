import json

import pytest

from apps.command import main as entry


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
ANSWER = ("answer", "q.psi", "b.csv", "--me", "platform", "--role", "marketplace", "--to", "r.psi", "--books", "p")
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
    call(*FINISH)
    code, _, err = call(*FINISH)
    assert (code, "it has ended" in err) == (2, True)


def test_a_malicious_point_is_refused_and_nothing_is_sent(call, tmp_path):
    call(*START)
    message = (tmp_path / "q.psi").read_bytes()
    (tmp_path / "q.psi").write_bytes(message[:-32] + bytes(32))
    code, out, err = call(*ANSWER)
    assert (code, out) == (2, "")
    assert "no point of the group" in err
    assert not (tmp_path / "r.psi").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("person_id\n" + "\n".join(map(str, range(99))), "fewer than 100"),
        ("person_id\n" + "\n".join(map(str, range(500))), "agree on more places"),
        ("a,b\n1,2\n", "no column 'person_id'"),
        ("person_id\n", "names nobody"),
        ("", "no column"),
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
        (("finish", "a.csv", *FINISH[2:]), "no reply of a session"),
        (("answer", "b.csv", *ANSWER[2:]), "no question of a session"),
    ],
)
def test_bad_input_ends_with_one_message(call, arguments, says):
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_policy_that_forbids_the_purpose_is_asked(call):
    call(*START)
    code, _, err = call(*ANSWER[:3], "--me", "platform", "--role", "shopper", *ANSWER[-4:])
    assert code == 2
    assert "may not have this release" in err
