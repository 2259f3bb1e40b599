"""The smallest agent there is: `python -m tests.tooling.scripted_agent BASE_URL PROMPT`.

Runs every command that the model asks for; for nothing but a scripted model.
"""

import json
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

SHELL: dict[str, Any] = {
    "name": "bash",
    "parameters": {
        "type": "object",
        "properties": {"description": {"type": "string"}, "command": {"type": "string"}},
        "required": ["description", "command"],
    },
}


def ask(base_url: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    body = {
        "model": "scripted",
        "messages": messages,
        "tools": [{"type": "function", "function": SHELL}],
    }
    with closing(HTTPConnection(urlsplit(base_url).netloc, timeout=10)) as connection:
        headers = {"content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return json.load(connection.getresponse())["choices"][0]["message"]


def main(base_url: str, prompt: str) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    while (message := ask(base_url, messages)).get("tool_calls"):
        messages.append(message)
        for made in message["tool_calls"]:
            command = json.loads(made["function"]["arguments"])["command"]
            output = subprocess.check_output(["sh", "-c", command], text=True)
            messages.append({"role": "tool", "tool_call_id": made["id"], "content": output})


if __name__ == "__main__":
    main(*sys.argv[1:])
