"""What a question shows of the call that it is about."""

from msgspec.structs import replace

from executor.policy.call import PlannedCall
from executor.session.results import note
from executor.session.words import body
from protocol.from_executor import ResultMetadata, ToolError, ToolResult
from protocol.tools.write_file import WriteFile


def test_writing_over_a_file_shows_what_goes_and_what_comes() -> None:
    call = PlannedCall("WriteFile", "write", WriteFile("a.txt", "one\nthree\n"))

    assert body(call, "one\ntwo\n").splitlines() == [
        "a.txt is replaced: 1 lines go, 1 come",
        "--- a.txt",
        "+++ a.txt",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+three",
    ]


def test_a_fresh_file_is_shown_whole() -> None:
    call = PlannedCall("WriteFile", "write", WriteFile("a.txt", "one\n"))

    assert body(call) == "a.txt\n+one"


def test_a_replacement_too_large_for_a_diff_is_shown_whole_all_the_same() -> None:
    content = "".join(f"line {number}\n" for number in range(20_000))
    call = PlannedCall("WriteFile", "write", WriteFile("a.txt", content))

    assert body(call, "old\n").splitlines()[-1] == "+line 19999"


def test_the_text_that_the_model_is_shown_is_left_out_of_the_users_line() -> None:
    words = "Nothing was changed.\nThe nearest text, line 2, differs in its words:\n     2\tone"
    denied = "Denied: it discards work.\nthis is lost:\n  a.txt"

    assert note(ToolResult("t", "error", words, "g", error=ToolError("no_match", words))) == (
        "Nothing was changed. The nearest text, line 2, differs in its words"
    )
    assert note(ToolResult("t", "denied", denied, "g", error=ToolError("denied", denied))) == (
        "Denied: it discards work. this is lost: a.txt"
    )


def test_a_command_that_goes_on_is_said_to_be_in_the_background() -> None:
    begun = ToolResult("t", "success", "[it runs in the background as sh1]", "g")

    assert note(begun, "Shell") == "in the background"
    assert note(begun, "ReadFile") == ""
    assert note(replace(begun, metadata=ResultMetadata(exit_code=0)), "Shell") == ""
