"""Pages and the clipboard through the installed command: what is refused, and in which words."""

from tests.e2e.machine import Machine
from tests.executor.web.site import Site, answer
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text


@covers("R-WEB-6")
async def test_private_hosts_are_refused_unasked_and_a_missing_clipboard_is_named(
    machine: Machine,
) -> None:
    machine.config_file.write_text('[policy]\nallow = ["WebFetch", "Clipboard"]\n')
    script = [
        calls(
            call("WebFetch", url="http://169.254.169.254/latest/meta-data/"),
            call("WebFetch", url="http://0x7f.1/"),
            call("Clipboard", action="write", text="hello"),
        ),
        text("Done."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("fetch it")
        answers = [each["content"] for each in model.requests[1].messages if each["role"] == "tool"]

    assert (ran.code, ran.out) == (0, "Done.\n")
    assert "169.254.169.254 is not on the public network (link-local)" in answers[0]
    assert "'0x7f.1' is an address in an unusual form" in answers[1]
    assert "The clipboard can't be written: there is no desktop here" in answers[2]


@covers("R-NET-3", "R-WEB-2")
async def test_a_host_that_a_rule_opens_is_fetched_and_reaches_the_model(machine: Machine) -> None:
    machine.config_file.write_text('[policy]\nallow = ["WebFetch(127.0.0.1)"]\n')
    page = answer(b"<h1>Till</h1>", Content_Type="text/html")
    with Site({"/": page}) as site:
        url = f"http://127.0.0.1:{site.port}/"
        script = [calls(call("WebFetch", url=url)), text("Done.")]
        async with ScriptedModel(script) as model:
            machine.use_model(model.base_url)
            ran = await machine.codegen("fetch it")
            said = model.requests[1].messages[-1]["content"]

    assert (ran.code, said) == (0, f"# Till\n[{url}: text/html, 13 bytes]")


@covers("R-CLIP-3")
async def test_the_clipboard_is_not_read_where_nobody_can_be_asked(machine: Machine) -> None:
    script = [calls(call("Clipboard", action="read")), text("Done.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen("--mode", "auto", "--no-sandbox", "read it")
        answer = model.requests[1].messages[-1]["content"]

    assert ran.code == 3
    assert "denied" in answer.lower() or "nobody" in answer.lower()
