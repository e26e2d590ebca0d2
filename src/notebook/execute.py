"""Executes a notebook file with nbclient; prints JSON with the cell that failed, if one did. Choosing notebooks and
keeping results is src/notebook/execute.ts.

python execute.py SOURCE TARGET FOLDER SECONDS: reads SOURCE, runs it in FOLDER, each cell for at most SECONDS, and
writes what came of it to TARGET, also where it failed.
"""

import json
import os
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

source, target, folder, seconds = sys.argv[1:]
parent = os.getppid()
at = {"cell": -1}


def starts(cell, cell_index):
    if os.getppid() != parent:  # whoever wanted this is gone
        sys.exit(1)
    at["cell"] = cell_index


notebook = nbformat.read(source, as_version=4)
client = NotebookClient(
    notebook,
    kernel_name="tslab",
    timeout=int(seconds),
    startup_timeout=120,
    record_timing=False,
    resources={"metadata": {"path": folder}},
    on_cell_start=starts,
)
result = {}
try:
    client.execute()
except CellExecutionError:
    result = {**at, "problem": "failed"}
except CellTimeoutError:
    result = {**at, "problem": f"took more than {seconds} s"}
except (DeadKernelError, RuntimeError) as error:
    result = {**at, "problem": str(error)}
nbformat.write(notebook, target)
print(json.dumps(result))
