"""PyTorch + transformers + PEFT, the benchmark's peer: reads one JSON request a line, answers with one JSON line of seconds.

Given its best: no padding at batch size 1, else only to the batch's longest row; the fused optimizer; all cores; one model
for all adapters. Every request does the same work as ours in src/bench/parts.
"""

import json
import os
import resource
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
start = time.perf_counter()
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
imported = time.perf_counter()
folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
bases = {}


def base(bfloat16):
    """The model with its frozen weights in fp32 or bfloat16 (PEFT keeps adapters in fp32 beside them)."""
    if bfloat16 not in bases:
        dtype = torch.bfloat16 if bfloat16 else torch.float32
        bases[bfloat16] = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        bases[bfloat16].eval()
    return bases[bfloat16]


base(False)
loaded = time.perf_counter()


def adapted(settings, seed, bfloat16):
    torch.manual_seed(seed)
    config = LoraConfig(r=settings["rank"], lora_alpha=settings["alpha"], target_modules=settings["targets"])
    return get_peft_model(base(bfloat16), config)


def train(settings, sequences, bfloat16, pad_to=0, steps=0):
    """One adapter: each sequence a step, AdamW with linear decay, clipping at 1. Returns the PEFT model."""
    model = adapted(settings, 0, bfloat16)
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.0, fused=True)
    rows = sequences * settings["epochs"]
    for step, row in enumerate(rows[:steps] if steps else rows):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (1 - step / len(rows))
        ids = torch.tensor([row])
        arguments = {"input_ids": ids, "labels": ids}
        if pad_to:
            fill = pad_to - len(row)
            padded = torch.tensor([row + [0] * fill])
            mask = torch.tensor([[1] * len(row) + [0] * fill])
            arguments = {"input_ids": padded, "labels": padded, "attention_mask": mask}
        loss = model(**arguments, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
    return model


def decode(model, prompts, tokens, temperature):
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    sampling = {"do_sample": True, "temperature": temperature, "top_p": 0.95, "top_k": 0} if temperature else {"do_sample": False}
    with torch.inference_mode():
        model.generate(
            input_ids=ids, attention_mask=mask, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0, **sampling
        )


def answer(request):
    seconds = {}
    bfloat16 = request.get("bfloat16", False)
    base(bfloat16)
    begin = time.perf_counter()
    if request["do"] == "train":
        for sequences in request["jobs"]:
            train(request["settings"], sequences, bfloat16, request.get("padTo", 0), request.get("steps", 0)).unload()
    elif request["do"] == "score":
        seconds = {"train": 0.0, "answer": 0.0}
        for sequences, prompts in zip(request["jobs"], request["prompts"]):
            model = train(request["settings"], sequences, bfloat16)
            model.eval()
            middle = time.perf_counter()
            seconds["train"] += middle - begin
            decode(model, prompts, request["tokens"], 0)
            model.unload()
            seconds["answer"] += time.perf_counter() - middle
            begin = time.perf_counter()
        return seconds
    elif request["do"] == "decode":
        decode(base(bfloat16), request["prompts"], request["tokens"], request["temperature"])
    return {"total": time.perf_counter() - begin}


def main():
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    hello = {"torch": torch.__version__, "import": imported - start, "load": loaded - imported, "threads": torch.get_num_threads()}
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        seconds = answer(json.loads(line))
        print(json.dumps({"seconds": seconds, "peakBytes": peak()}), flush=True)


main()
