"""Asks the kernel, through Jupyter's protocol, what a front end asks of another notebook; prints the answers as JSON."""

import json
import sys
import time

from jupyter_client import KernelManager

manager = KernelManager(kernel_name="tslab")
manager.start_kernel(cwd=sys.argv[1])
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=120)


def run(code):
    printed = []

    def note(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=120, output_hook=note)
    return {"status": reply["content"]["status"], "printed": "".join(printed)}


imported = run('import { loadModel, trainAdapters, UserError } from "seal-lab";')
inspected = client.inspect("trainAdapters", 5, reply=True, timeout=60)["content"]
completed = client.complete("trainAd", 7, reply=True, timeout=60)["content"]


def inspect(code, place):
    content = client.inspect(code, place, reply=True, timeout=60)["content"]
    return content["data"].get("text/plain", "")


documented = {}
for path, names in json.loads(sys.argv[2]).items():
    run("import { " + ", ".join(names) + ' } from "' + path + '";')
    documented[path] = {name: inspect(name, len(name)) for name in names}
# A "|" marks where the cursor stands.
settings = [inspect(code.replace("|", ""), code.index("|")) for code in json.loads(sys.argv[3])]
option = "trainAdapters(null, [{ seq"
keys = client.complete(option, len(option), reply=True, timeout=60)["content"]
mistyped = run("const model: string = await loadModel(3);")
time.sleep(0.5)  # for 200 ms after an error tslab drops what is already waiting
mistaken = run('throw new UserError("said in one line");')
client.stop_channels()
manager.shutdown_kernel()
print(
    json.dumps(
        {
            "imported": imported,
            "inspected": inspected["data"].get("text/plain", ""),
            "documented": documented,
            "settings": settings,
            "completed": completed["matches"],
            "keys": keys["matches"],
            "mistyped": mistyped,
            "mistaken": mistaken,
        }
    )
)
